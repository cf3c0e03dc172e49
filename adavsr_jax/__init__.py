"""Ada-VSR (Gupta et al., ACM MM 2021): blind space-time video super-resolution.

The letters of every shape in this house:
`N` tasks, `B` batch, `T` frames, `H W` high-resolution, `h w` low-resolution,
`C` channels, `K` inner steps (of a convolution: its width), `M` frames of a
low-frame-rate clip (its high-frame-rate twin has `2M - 1`).
Frames are RGB: `uint8` on disk and on the host, `float32` in [0, 1] inside.
"""
