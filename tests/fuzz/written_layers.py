"""Right calls of losses and layers that are newer, or rarer, than those in ``written_calls``."""

from __future__ import annotations

LAYERS = """
F.triplet_margin_with_distance_loss(real(2, 3), real(2, 3), real(2, 3), margin=1.0, swap=True)
nn.MultiLabelMarginLoss()(real(2, 3), ints(2, 3))
nn.MultiLabelSoftMarginLoss()(real(2, 3), unit(2, 3))
nn.MultiMarginLoss(p=2, margin=0.5)(real(2, 3), ints(2))
nn.TripletMarginWithDistanceLoss(margin=1.0, swap=True)(real(2, 3), real(2, 3), real(2, 3))
"""
