"""Which callback addresses are refused at submit: anything local or private, in any spelling."""

import pytest

from tickets import contract
from tickets.callback_url import problem

PUBLIC = [
    "https://example.com",
    "https://example.com/",
    "HTTPS://EXAMPLE.COM/hook",
    "https://example.com:443/",
    "https://example.com:1024/",
    "https://example.com:65535/",
    "https://example.com./",
    "https://a.b-c.d_e.example.com/x?y=z&w[]=1#part",
    "https://xn--bcher-kva.example/",
    "https://localhost.example.com/",
    "https://127.0.0.1.example.com/",
    "https://example.com/{job_id}",
    "https://example.com/{job_id}/and/{job_id}",
    "https://example.com/?job={job_id}",
    "https://example.com?job={job_id}",
    "https://1.1.1.1/",
    "https://[2606:4700::1111]/",
    "https://[2606:4700::1111]:8443/",
]

NOT_HTTPS = [
    "",
    "example.com",
    "//example.com/",
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https:",
    "https://",
    "https:///path",
    "https:example.com",
    "https:/example.com",
    "https://?x",
    "https://#x",
    "https://.",
]

USERINFO = [
    "https://user@example.com/",
    "https://user:secret@example.com/",
    "https://@example.com/",
    "https://:@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com%40127.0.0.1/",
]

PORTS = [
    "https://example.com:/",
    "https://example.com:0/",
    "https://example.com:22/",
    "https://example.com:80/",
    "https://example.com:1023/",
    "https://example.com:65536/",
    "https://example.com:99999999999/",
    "https://example.com:+443/",
    "https://example.com:-1/",
    "https://example.com:https/",
    "https://example.com:443:443/",
]

LOCAL_NAMES = [
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://localhost:8443/",
    "https://a.localhost/",
    "https://a.b.localhost./",
    "https://localhost.localdomain/",
    "https://localhost6.localdomain6/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://intranet/",
    "https://core:8443/",
]

PRIVATE_IPV4 = [
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0X7F.0.0.1/",
    "https://0x7f.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0177.0.0.01/",
    "https://00000177.0.0.1/",
    "https://0/",
    "https://0x/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://10.1/",
    "https://012.0.0.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/",
    "https://0xa9fea9fe/",
    "https://2852039166/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
    "https://192.168.257/",
    "https://192.0.0.9/",
    "https://192.0.2.1/",
    "https://192.88.99.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://224.0.0.1/",
    "https://239.255.255.255/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://4294967295/",
]

NO_ADDRESS = [
    "https://256.0.0.1/",
    "https://1.2.3.4.5/",
    "https://127.0.0.0x/",
    "https://0x7g.0.0.1/",
    "https://08.8.8.8/",
    "https://4294967296/",
    "https://1..1/",
    "https://.example.com/",
    "https://example..com/",
    "https://example.com../",
    "https://-example.com/",
    "https://example-.com/",
    "https://example.1/",
    f"https://{'a' * 64}.com/",
    f"https://{'a.' * 127}com/",
    "https://ex%61mple.com/",
    "https://127%2e0%2e0%2e1/",
    "https://example,com/",
]

FULL_WIDTH = [
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://127\u30020\u30020\u30021/",
    "https://127\uff0e0.0.1/",
    "https://\uff4cocalhost/",
    "https://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/",
    "https://\u2460\u2461\u2466.0.0.1/",
    "https://example.com:\u0664\u0664\u0663/",
    "https://b\u00fccher.example/",
    "https://exam\u00adple.com/",
]

PRIVATE_IPV6 = [
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[0000::0001]:8443/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::FFFF:7f00:1]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[64:ff9b::8.8.8.8]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:808:808::1]/",
    "https://[2001:0:7f00:1::]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[fc00::1]/",
    "https://[fd12:3456::1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[2606:4700::1111%25eth0]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[100::1]/",
    "https://[v1.a]/",
    "https://[127.0.0.1]/",
    "https://[localhost]/",
    "https://[]/",
    "https://[::1/",
    "https://::1/",
    "https://[2606:4700::1111].example.com/",
    "https://[2606:4700::1111]evil/",
    "https://a[2606:4700::1111]/",
]

UNFIT_CHARACTERS = [
    "https://example.com\\@127.0.0.1/",
    "https:\\\\example.com/",
    "https://example.com\\.localhost/",
    " https://example.com/",
    "https://example.com/ ",
    "https://example.com/a b",
    "https://exam\tple.com/",
    "https://example.com/\n",
    "https://example.com/\r\nHost: localhost",
    "https://example.com/\0",
    "https://example.com/\x7f",
    'https://example.com/"',
    "https://example.com/<script>",
]

PLACEHOLDERS = [
    "https://{job_id}.example.com/",
    "https://{job_id}/",
    "https://example.com:{job_id}/",
    "{job_id}://example.com/",
    "https://example.com/#{job_id}",
    "https://example.com#{job_id}",
    "https://example.com/{id}",
    "https://example.com/{JOB_ID}",
    "https://example.com/{job_id",
    "https://example.com/job_id}",
    "https://example.com/{{job_id}}",
    "https://example.com/{job_id}/{secret}",
    "https://example.com/{}",
    "https://example.com/?a={job.id}",
]


@pytest.mark.parametrize("url", PUBLIC)
def test_a_public_address_may_be_called(url: str) -> None:
    assert problem(url) is None


def test_the_contracts_own_example_may_be_called() -> None:
    operation = contract.openapi()["paths"]["/tickets/v1/jobs"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["examples"]["canonical"]

    assert problem(example["value"]["callback_url"]) is None


@pytest.mark.parametrize(
    "url",
    [
        *NOT_HTTPS,
        *USERINFO,
        *PORTS,
        *LOCAL_NAMES,
        *PRIVATE_IPV4,
        *NO_ADDRESS,
        *FULL_WIDTH,
        *PRIVATE_IPV6,
        *UNFIT_CHARACTERS,
        *PLACEHOLDERS,
    ],
    ids=repr,
)
def test_any_other_address_is_refused(url: str) -> None:
    found = problem(url)

    assert found is not None
    assert found.startswith("must ")
