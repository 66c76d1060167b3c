// Reads what src/restudy/views/payload.py packed; that file describes the format.

const ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** The tree that stands in the page under a name; arrays become {data, shape}. */
export async function readBlock(name) {
  const element = document.getElementById(`block-${name}`);
  if (!element) throw new Error(`the page has no data named ${name}`);
  return unpack(await inflate(element.textContent.trim()));
}

export async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = new TextDecoder().decode(new Uint8Array(buffer, 4, length));
  const start = Math.ceil((4 + length) / 8) * 8;
  return JSON.parse(header, (_, node) =>
    node && Array.isArray(node.$) ? column(buffer, start, node.$) : node,
  );
}

function column(buffer, start, [dtype, offset, length, shape]) {
  const width = dtype === "float16" ? 2 : ARRAYS[dtype].BYTES_PER_ELEMENT;
  const planes = new Uint8Array(buffer, start + offset, length * width);
  const bytes = new Uint8Array(length * width);
  for (let plane = 0; plane < width; plane++)
    for (let i = 0; i < length; i++) bytes[i * width + plane] = planes[plane * length + i];
  const data =
    dtype === "float16" ? widen(new Uint16Array(bytes.buffer)) : new ARRAYS[dtype](bytes.buffer);
  return { data, shape };
}

/** IEEE half precision to single precision. */
function widen(halves) {
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}
