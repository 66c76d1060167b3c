"""Passwords and keys are hidden wherever a text leaves the place where a user wrote it."""

import pytest

from restudy.secret_text import hide_in_command, hide_secrets

SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"https://me:{SECRET}@host.org/mnist/",
        f"s3://key:{SECRET}@bucket",
        f"HTTPError: 404 for url: https://{SECRET}@host.org/a.gz (tried twice)",
        f"https://host.org/a.gz?X-Amz-Signature={SECRET}",
        f"the address is refused (https://u:{SECRET}@host.org/a)",
        f"storage_s3_secret_key={SECRET}",
        f'{{"password": "{SECRET}"}}',
        f"--token={SECRET}",
        f"API-KEY: {SECRET}, and more",
    ],
)
def test_a_secret_is_hidden_and_the_rest_is_left(text):
    hidden = hide_secrets({"a": [text], "b": (text, 1)})
    assert SECRET not in repr(hidden) and "***" in hidden["a"][0]
    assert hidden["b"][1] == 1
    assert hide_secrets(hidden) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "https://host.org/mnist/",
        "results/dense/dataset~moons/seed~0.csv",
        "Which token counts? 3 of 4",
        "mail@example.org",
        "max_tokens",
    ],
)
def test_text_without_a_secret_stays(text):
    assert hide_secrets(text) == text


def test_values_of_options_of_a_command_are_hidden():
    command = ["snakemake", "--storage-s3-secret-key", SECRET, "--cores", "2", f"--token={SECRET}"]
    assert hide_in_command(command) == [
        *("snakemake", "--storage-s3-secret-key", "***", "--cores", "2", "--token=***"),
    ]
