"""Picture files to pixels: headers, decoding, resizing, digests of contents."""
