"""One dense layer of a stack of replicates, with its forward and its backward step.

Arrays of R replicates are stored as (rows, R, columns): the values of one unit, for all replicates
and points, are contiguous. So every elementwise operation runs over contiguous memory, and the bias
is simply one more input, a last row of ones. Matrix products view the same memory as R matrices,
through `by_replicate`, and compute each separately: a replicate's numbers do not depend on the
others in the stack.
"""

import math

import numpy as np

from restudy.families.dense.activations import Activation

# Below this share of its activation's steepest slope, a unit passes on almost no gradient.
SATURATED = 0.05
SMALL_PRODUCT = 160_000  # multiplications


def by_replicate(array: np.ndarray) -> np.ndarray:
    """View an array (rows, R, columns) as (R, rows, columns)."""
    return array.swapaxes(0, 1)


class Scratch:
    """Memory that the layers of a stack share, for values that each needs only temporarily.

    Parameters
    ----------
    size : int
        Number of elements of the largest array that will be taken.
    dtype : dtype
        Type of all arrays.
    """

    def __init__(self, size: int, dtype: np.dtype):
        self.size = size
        self.dtype = dtype
        self.arrays: dict[str, np.ndarray] = {}

    def take(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return the array of a name in a shape; the same name always means the same memory."""
        if name not in self.arrays:
            self.arrays[name] = np.empty(self.size, self.dtype)
        return self.arrays[name][: math.prod(shape)].reshape(shape)


class Layer:
    """One layer of R replicates: a = f(W x), with the bias as the last column of W.

    Parameters
    ----------
    weights, gradient : ndarray, shape (pieces · H, R, fan_in + 1)
        Parts of the stack's flat arrays; the last column is the bias.
    activation : Activation or None
        f, and the number of net inputs (pieces) of a unit. None for the last layer, whose output
        is its net input: the logits.
    derivative_at_activation : bool
        Evaluate f' at a instead of z: the published study's error. (Maxout has no such form and
        keeps its derivative.)
    points : int
        Number of points N in each call.
    scratch : Scratch
        Shared with the other layers.

    Attributes
    ----------
    net_input : ndarray, shape (pieces · H, R, N)
        z of the last forward step, if the derivative needs it.
    value : ndarray, shape (H, R, N)
        a of the last forward step; for the last layer, the logits.
    delta : ndarray, shape (pieces · H, R, N)
        δ = dL/dz, in memory that the hidden layers share; for the last layer, in the memory of
        the logits.
    output : ndarray, shape (R, H + 1, N)
        `value` by replicate, with a last row of ones for the next layer's bias.
    """

    def __init__(self, weights, gradient, activation, derivative_at_activation, points, scratch):
        rows, replicates, columns = weights.shape
        fan_in = columns - 1
        shape = (rows, replicates, points)
        self.activation: Activation | None = activation
        self.weights = by_replicate(weights)
        self.transposed = self.weights[:, :, :fan_in].swapaxes(1, 2)
        self.upstream = scratch.take("upstream", (fan_in, replicates, points))
        self.upstream_by_replicate = by_replicate(self.upstream)
        if activation is None:
            self.value = self.net_input = self.delta = np.empty(shape, weights.dtype)
            self.output = by_replicate(self.value)
        else:
            units = rows // activation.pieces
            carrier = np.ones((units + 1, replicates, points), weights.dtype)
            self.value = carrier[:units]
            self.output = by_replicate(carrier)
            if activation.in_place:
                self.net_input = self.value
            elif activation.reads_net_input:
                self.net_input = np.empty(shape, weights.dtype)
            else:
                self.net_input = scratch.take("net_input", shape)
            self.delta = scratch.take("delta", shape)
            self.delta_of_pieces = self.delta.reshape(activation.pieces, units, replicates, points)
            self.at_activation = None
            if derivative_at_activation and activation.pieces == 1:
                self.at_activation = scratch.take("at_activation", shape)
        self.output_transposed = self.output.swapaxes(1, 2)
        self.net_by_replicate = by_replicate(self.net_input)
        self.delta_by_replicate = by_replicate(self.delta)
        self.gradient_products = [
            (_in_blocks(self.delta[part], block), _in_blocks(gradient[part], block))
            for part, block in _row_blocks(rows, columns * points)
        ]

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        """Compute net input and activation of all replicates.

        Parameters
        ----------
        inputs : ndarray, shape (fan_in + 1, N) or (R, fan_in + 1, N)
            The points (one set for all replicates, or one per replicate), or the `output` of the
            layer below.

        Returns
        -------
        ndarray, shape (R, H + 1, N), or (R, H, N) for the last layer
            `output`, overwritten by the next call.
        """
        np.matmul(self.weights, inputs, self.net_by_replicate)
        if self.activation is not None:
            self.activation.value(self.net_input, self.value)
        return self.output

    def store_gradient(self, inputs_transposed: np.ndarray) -> None:
        """Write the gradient of the weights: dL/dW = δ xᵀ.

        Parameters
        ----------
        inputs_transposed : ndarray, shape (N, fan_in + 1) or (R, N, fan_in + 1)
            The inputs of `forward`, transposed.
        """
        for delta, gradient in self.gradient_products:
            np.matmul(delta, inputs_transposed, gradient)

    def pull_back(self) -> np.ndarray:
        """Return the loss gradient of the layer's inputs: dL/dx = Wᵀ δ, without the bias's row.

        Returns
        -------
        ndarray, shape (fan_in, R, N)
            In memory that the layers share.
        """
        np.matmul(self.transposed, self.delta_by_replicate, self.upstream_by_replicate)
        return self.upstream

    def backward(self, upstream: np.ndarray) -> None:
        """Write `delta`, given the loss gradient of the activation: δ = dL/da ∘ f'.

        Parameters
        ----------
        upstream : ndarray, shape (H, R, N)
            dL/da, the layer above's `pull_back`.
        """
        if self.at_activation is None:
            self.activation.derivative(self.net_input, self.value, self.delta)
        else:
            # f'(a): a takes the place of z, and f(a) that of a.
            self.activation.value(self.value, self.at_activation)
            self.activation.derivative(self.value, self.at_activation, self.delta)
        np.multiply(self.delta_of_pieces, upstream, self.delta_of_pieces)

    def inactive(self) -> np.ndarray:
        """Return where each unit passes on almost no gradient, after a forward step.

        Returns
        -------
        ndarray of bool, shape (pieces · H, R, N)
            Whether the slope |f'(z)| is below `SATURATED` times the activation's steepest slope.
        """
        self.activation.derivative(self.net_input, self.value, self.delta)
        np.abs(self.delta, out=self.delta)
        return self.delta < SATURATED * self.activation.steepest

    def inactive_shares(self) -> tuple[np.ndarray, np.ndarray]:
        """Return how much of the layer passes on almost no gradient, after a forward step.

        Returns
        -------
        saturated : ndarray, shape (R,)
            Share of (unit, point) pairs that are `inactive`.
        dead : ndarray, shape (R,)
            Share of units for which that holds at every point.

        Notes
        -----
        In maxout, each piece counts as a unit: all but the largest are saturated at a point, and a
        piece that is never the largest is dead.
        """
        flat = self.inactive()
        return flat.mean(axis=(0, 2)), flat.all(axis=2).mean(axis=0)


def _row_blocks(rows: int, work_per_row: int) -> list[tuple[slice, int]]:
    """Split the rows of a product δ xᵀ into parts, each with its number of rows per product.

    BLAS is fastest when such a product is small: multiplying a few rows at a time, in multiples of
    the eight numbers that fit a processor register, halves the time for 50 rows by 200 points.
    """
    block = SMALL_PRODUCT // work_per_row // 8 * 8
    if rows * work_per_row <= SMALL_PRODUCT or block == 0:
        return [(slice(None), rows)]
    full = rows // block * block
    rest = [(slice(full, rows), rows - full)] if full < rows else []
    return [(slice(0, full), block), *rest]


def _in_blocks(array: np.ndarray, block: int) -> np.ndarray:
    """View an array (rows, R, columns) as (blocks, R, block, columns)."""
    rows, replicates, columns = array.shape
    return array.reshape(rows // block, block, replicates, columns).swapaxes(1, 2)
