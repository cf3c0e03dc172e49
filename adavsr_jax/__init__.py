"""Ada-VSR (Gupta et al., ACM MM 2021): blind space-time video super-resolution.

The letters of every shape in this house:
`N` tasks, `B` batch, `T` frames, `H W` high-resolution, `h w` low-resolution,
`C` channels, `K` inner steps (of a convolution: its width), `M` frames of a
low-frame-rate clip (its high-frame-rate twin has `2M - 1`).
Frames are RGB: `uint8` on disk and on the host, `float32` in [0, 1] inside.

A guided tour, in the order to read in. External learning (Algorithm 1) follows a clip.

It is drawn or was stored, and read in batches:

  `rendering`             a miniature world drawn from a key, where no clips are
  `records`               one clip <-> bytes, as shards hold it
  `manifests`             what lies in a folder of shards, with its own digest
  `data`                  shards -> shuffled, cropped batches, uint8 `[N, T, H, W, 3]`
  `readers`               the processes that read beside the one that trains
  `orphans`               such processes end when their parent does
  `held_signals`          and no signal meets them half started

It is degraded, and becomes a task:

  `pixels`                uint8 <-> float32 in [0, 1]; the luma that is scored
  `kernels`               blurs `[20, 20]`: made, drawn from distributions, checked
  `resampling`            between the grids of HR and LR; interpolation in time
  `degradation`           blur, reduction by 4, half the frame rate
  `tasks`                 support (SLR -> LR) and query (LR -> HR) of one clip

Networks restore it:

  `convolution`           the one convolution, fast in derivatives of every order
  `networks`              theta and phi
  `networks.blocks`       what both share: the residual trunk
  `networks.tsr`          F_theta: `M` frames to `2M - 1`
  `networks.in_time`      how frames see each other inside SSR
  `networks.ssr`          S_phi: `[B, T, h, w, C]` to `[B, T, 4h, 4w, C]`
  `networks.space_time`   the pair, eq. 3

The inner loop adapts them to the task:

  `metrics`               l1 and Charbonnier, trained on; PSNR and SSIM, reported
  `objectives`            the losses: eq. 1, 2, 4 and 10
  `inner_rules`           what of a gradient becomes a step
  `step_sizes`            learned step sizes, carried beside the weights
  `inner_loop`            K steps of adaptation, eq. 5 and 6

The outer step differentiates through that, and makes the weights better:

  `meta_gradient`         the second order, exact, or left out
  `curvature`             how much it is, step by step
  `meta_step`             the outer losses, eq. 7; the update, eq. 8 and 9
  `sharding`              the tasks of a step over devices
  `checkpoints`           the state on disk, while training goes on
  `digests`               sha256 of a state and of its form

Internal learning (Algorithm 2) follows a video. It is opened, and cut into shots:

  `video`                 files and folders, in and out: the door to all `video.*`
  `video.kinds`           what a video is, what a frame of it is
  `video.whole`           whole clips in memory
  `video.reading`         frames as they stream by
  `video.decoding`        past what is damaged
  `video.times`           when frames are shown, exactly
  `video.turning`         upright
  `video.colour`          from codes to RGB
  `video.formats`         in what form the result is written
  `video.writing`         one piece of it
  `video.joining`         the pieces into one file
  `video.passengers`      sound, subtitles, chapters come along
  `pictures`              folders of stills
  `deep_png`              PNG of 16 bits
  `code_depths`           8 bits <-> 16
  `yuv`                   Y'CbCr <-> RGB
  `shots`                 where a shot starts

The blur of a shot is told:

  `kernel_estimation`     by a network that was trained to
  `patch_recurrence`      from patches that recur across scales, nothing learned
  `spectrum`              from the power spectrum, nothing learned

The weights learn the shot, and restore it:

  `internal_learning`     from its own reduction; held-out patches say when to stop
  `passes`                windows and tiles that fit in memory
  `restoration`           frame by frame, pass by pass
  `consistency`           toward what reduces to the input
  `resizing`              to another size than the fourfold one

Where there is no truth to compare with:

  `niqe`                  a score of one picture alone
"""
