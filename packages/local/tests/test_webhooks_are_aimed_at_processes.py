from __future__ import annotations

import base64

from local.install import aimed
from local.pki import Pki


def test_a_webhook_is_answered_by_a_process_that_the_api_server_trusts(tmp_path):
    (tmp_path / "ca.crt").write_text("authority")
    service = {"service": {"name": "webhook-service", "namespace": "system", "path": "/validate-no-usages"}}
    got = aimed({"webhooks": [{"name": "a", "clientConfig": service}]}, Pki(tmp_path), 4711)
    bundle = base64.b64encode(b"authority").decode()
    want = {"url": "https://127.0.0.1:4711/validate-no-usages", "caBundle": bundle}
    assert [w["clientConfig"] for w in got["webhooks"]] == [want]
