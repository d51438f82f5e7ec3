"""Discrete Fourier transforms; ``tinygrad_edu.fft`` is their face.

- transform: fft, ifft, rfft, irfft, hfft, ihfft along one dimension, and their derivatives
- dimensions: the same along two or more dimensions; fftshift, ifftshift
- short_time: stft, istft, transforms of one window after the other
"""
