"""The same processes in containers: what docker-compose.yml at the top mounts and runs first."""
