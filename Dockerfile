FROM node:22-slim AS playground
WORKDIR /src/playground
COPY playground/package.json playground/package-lock.json playground/.npmrc ./
RUN npm ci
COPY playground .
RUN npm run build

FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
COPY --from=playground /src/portal/web/static/playground portal/web/static/playground
RUN python -m venv /opt/kubeportal
RUN /opt/kubeportal/bin/pip install --no-cache-dir .

FROM python:3.13-slim
COPY --from=build /opt/kubeportal /opt/kubeportal
# A fixed uid, so that an operator can give it a folder of the host as /data.
RUN useradd --uid 10001 --no-create-home kubeportal && install -d -o kubeportal /data
ENV PATH=/opt/kubeportal/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    KUBEPORTAL_DATABASE_URL=sqlite:///data/kubeportal.sqlite3
USER 10001
VOLUME /data
EXPOSE 8000
# The slim image has no curl.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["kubeportal", "serve", "--host", "0.0.0.0"]
