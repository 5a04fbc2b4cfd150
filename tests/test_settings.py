"""Settings as they are read from an environment, and written into one for a child."""

from dataclasses import fields

from tickets.settings import Settings, load, variable, written


def read(environ: dict[str, str]) -> Settings:
    return load(environ, lambda path: path)


def test_what_is_written_is_read_back() -> None:
    given = read(
        {
            "TASKFORGE_CALLBACK_INTERNAL_HOSTS": "Hooks.example., inside  b-1.c_d,inside",
            "TASKFORGE_CALLBACK_CA_FILE": "/etc/ca.pem",
            "TASKFORGE_SWEEP_S": "0.000001",
            "TASKFORGE_JOB_TTL_S": "999999999",
            "TASKFORGE_WORKERS": "3",
            "TASKFORGE_SECRET_KEY": "s" * 16,
        }
    )
    values = {variable(one): getattr(given, one.name) for one in fields(given)}

    again = read({name: written(value) for name, value in values.items() if value is not None})

    assert again == given
    assert given.callback_internal_hosts == {"hooks.example", "inside", "b-1.c_d"}


def test_no_internal_host_is_named_by_default() -> None:
    assert read({}).callback_internal_hosts == frozenset()
