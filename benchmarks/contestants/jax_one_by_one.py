"""JAX, compiled with jit and scan: one replicate after another."""

from common import run
from jax_network import prepare_one_by_one

run(prepare_one_by_one)
