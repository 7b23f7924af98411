"""Fashion-MNIST: 70,000 grey images of clothes, 28x28 pixels (Xiao et al., arXiv 1708.07747).

Shifted and not mirrored in training: its shoes all point one way, in the test split too.
"""

from trainer.data.standard_archive import StandardArchive

FASHION_MNIST = StandardArchive(
    "fashion-mnist",
    "fashion_mnist",
    (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
)
