import numpy as np

from backend.editing.region import buffer_pixels, region_of_interest, shown_region
from backend.photos.feather import feathered_alpha

BACKGROUND, SKIN, MOUTH = 0, 1, 2


def face(side: int = 64) -> np.ndarray:
    labels = np.zeros((side, side), np.uint8)
    labels[8:56, 8:56] = SKIN
    labels[40:44, 24:40] = MOUTH
    return labels


def test_region_is_the_part_before_and_after_with_a_buffer() -> None:
    before, after = face(), face()
    after[40:44, 40:46] = MOUTH
    region = region_of_interest(before, after, [MOUTH])
    assert region[40:44, 24:46].all()
    assert region[39, 30] and region[44, 30]  # the buffer of one pixel at 64
    assert not region[37].any() and not region[:, :22].any()


def test_the_buffer_is_five_pixels_at_512() -> None:
    assert [buffer_pixels(r) for r in (64, 256, 512, 1024)] == [1, 2, 5, 10]


def test_of_a_large_part_only_what_changes_counts() -> None:
    before, after = face(), face()
    after[8:12, 8:56] = BACKGROUND
    region = region_of_interest(before, after, [SKIN], large=[SKIN, BACKGROUND])
    assert region[8:12, 8:56].all()
    assert not region[20:50].any()


def test_parts_outside_q_edit_do_not_count() -> None:
    before, after = face(), face()
    after[0:4] = MOUTH
    region = region_of_interest(before, after, [SKIN], large=[SKIN])
    assert not region.any()


def test_changed_pixels_always_count() -> None:
    changed = np.zeros((64, 64), bool)
    changed[20, 20] = True
    assert region_of_interest(face(), face(), [], changed=changed)[20, 20]


def test_a_composite_shows_the_whole_region_and_fades_around_it() -> None:
    region, valid = np.zeros((32, 32), bool), np.ones((64, 64), bool)
    region[16:18, 8:20] = True  # lips
    valid[:, :20] = False  # the photo ends there
    shown = shown_region(region, valid)
    fine = feathered_alpha(shown)
    k = len(fine) // 64
    alpha = fine[k // 2 :: k, k // 2 :: k]
    assert alpha[32:36, 24:40].min() > 0.9  # the old and the new lips, not a blend of both
    assert 0 < alpha[30, 30] < 1 and 0 < alpha[37, 30] < 1
    assert not alpha[~valid].any()
    assert not alpha[:26].any() and not alpha[42:].any()
