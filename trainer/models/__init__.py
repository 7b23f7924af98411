"""Networks of slots: their towers, of any architecture, and what their stages compute."""

from trainer.models.backbone import Backbone, backbone_digest, find_backbone
from trainer.models.block_tower import BlockTower
from trainer.models.cut_stage import CutStage
from trainer.models.geometry import Geometry, device_macs, equal_work_channels
from trainer.models.saving import save_network
from trainer.models.sliced_cnn import SlicedCNN
from trainer.models.slot_channels import slot_channels
from trainer.models.slot_tower import SlotTower
from trainer.models.stage import FloatStage, run_stage
from trainer.models.sub_model import FloatSubModel
from trainer.models.tower import Tower

__all__ = [
    "Backbone",
    "BlockTower",
    "CutStage",
    "FloatStage",
    "FloatSubModel",
    "Geometry",
    "SlicedCNN",
    "SlotTower",
    "Tower",
    "backbone_digest",
    "device_macs",
    "equal_work_channels",
    "find_backbone",
    "run_stage",
    "save_network",
    "slot_channels",
]
