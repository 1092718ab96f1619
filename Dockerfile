# Runs the quickstart; other arguments are those of `jare_tf`:
#   docker build -t jare_tf . && docker run --rm -v "$PWD/runs:/work/runs" jare_tf
FROM python:3.12-slim
COPY . /source
RUN pip install --no-cache-dir /source
WORKDIR /work
ENTRYPOINT ["jare_tf"]
