"""What a server imports: ``gunicorn wsgi:app``, ``waitress-serve wsgi:app``, ``flask ...``."""

from qol_app.app import wsgi_app

app = wsgi_app()
