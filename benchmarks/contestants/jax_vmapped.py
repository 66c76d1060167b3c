"""JAX, compiled with jit and scan: all replicates at once, through vmap."""

from common import run
from jax_network import prepare_vmapped

run(prepare_vmapped)
