"""What Prometheus asks for."""

from flask import Flask, Response, request
from prometheus_client.exposition import choose_encoder

from bot.web.history import parameters
from bot.web.view import View


def add_metrics(app: Flask, view: View) -> None:
    @app.get("/metrics")
    def metrics() -> Response:
        parameters()
        try:
            encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        except (TypeError, ValueError):  # a version that is no number, in 0.26
            encode, content_type = choose_encoder("")
        return Response(encode(view.registry), content_type=content_type)
