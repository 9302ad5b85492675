"""A gRPC server with an Observer, the health service and reflection, as relay has them."""

from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from exporter.hubble.pb.observer import observer_pb2, observer_pb2_grpc

_OBSERVER = observer_pb2.DESCRIPTOR.services_by_name["Observer"].full_name
# The names that relay answers for; the second is not the name of its gRPC service.
_HEALTH_NAMES = (health.OVERALL_HEALTH, "hubble.server.Observer")


class CannotServeError(Exception):
    """The demo's Observer found no port to listen on."""


class Server:
    """Serves one Observer. A call of GetFlows holds a thread for as long as it lasts."""

    def __init__(self, observer: observer_pb2_grpc.ObserverServicer, threads: int = 16) -> None:
        self._server = grpc.server(
            futures.ThreadPoolExecutor(max_workers=threads, thread_name_prefix="observer"),
            # A port that is taken is an error; gRPC's default shares it.
            options=(("grpc.so_reuseport", 0),),
        )
        self._health = health.HealthServicer()
        observer_pb2_grpc.add_ObserverServicer_to_server(observer, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((_OBSERVER, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)
        self.set_serving(serving=True)

    def start(self, address: str = "127.0.0.1:0") -> str:
        """Begin to serve, and return the address with its real port.

        Raises:
            CannotServeError: when the address cannot be bound.
        """
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise CannotServeError(f"the demo's Observer cannot listen on {address}: {error}") from error
        self._server.start()
        return address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"

    def stop(self) -> None:
        """End all calls at once."""
        self._server.stop(grace=None).wait()

    def set_serving(self, *, serving: bool) -> None:
        """Tell what the health service answers; relay serves when it reaches any node."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in _HEALTH_NAMES:
            self._health.set(name, status)
