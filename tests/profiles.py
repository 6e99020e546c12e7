"""Color profiles of the kinds that photographs come with."""

import imagecodecs

D65, D50 = (0.3127, 0.329), (0.3457, 0.3585)
DISPLAY_P3 = imagecodecs.cms_profile(
    "rgb", whitepoint=D65, primaries=(0.68, 0.32, 0.265, 0.69, 0.15, 0.06), gamma=2.2
)
PROPHOTO = imagecodecs.cms_profile(
    "rgb", whitepoint=D50, primaries=(0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001), gamma=1.8
)
LINEAR = imagecodecs.cms_profile(
    "rgb", whitepoint=D65, primaries=(0.64, 0.33, 0.3, 0.6, 0.15, 0.06), gamma=1.0
)
RGB = {
    "none": None,
    "sRGB": imagecodecs.cms_profile("srgb"),
    "Adobe RGB": imagecodecs.cms_profile("adobergb"),
    "Display P3": DISPLAY_P3,
    "ProPhoto": PROPHOTO,
    "linear": LINEAR,
    "broken": b"broken",
}
GRAY = {
    "none": None,
    "gray, gamma 2.2": imagecodecs.cms_profile("gray", gamma=2.2),
    "gray, linear": imagecodecs.cms_profile("gray", gamma=1.0),
    "broken": b"broken",
}
