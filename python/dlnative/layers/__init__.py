"""Layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlnative.layers.dense import Dense as Dense
from dlnative.layers.input import Input as Input
from dlnative.layers.input import InputLayer as InputLayer
from dlnative.layers.input_spec import InputSpec as InputSpec
from dlnative.layers.layer import Layer as Layer
from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.layers.activations import ELU as ELU
    from dlnative.layers.activations import Activation as Activation
    from dlnative.layers.activations import LeakyReLU as LeakyReLU
    from dlnative.layers.activations import PReLU as PReLU
    from dlnative.layers.activations import ReLU as ReLU
    from dlnative.layers.activations import Softmax as Softmax
    from dlnative.layers.attention import AdditiveAttention as AdditiveAttention
    from dlnative.layers.attention import Attention as Attention
    from dlnative.layers.batch_normalization import BatchNormalization as BatchNormalization
    from dlnative.layers.borders import Cropping1D as Cropping1D
    from dlnative.layers.borders import Cropping2D as Cropping2D
    from dlnative.layers.borders import Cropping3D as Cropping3D
    from dlnative.layers.borders import ZeroPadding1D as ZeroPadding1D
    from dlnative.layers.borders import ZeroPadding2D as ZeroPadding2D
    from dlnative.layers.borders import ZeroPadding3D as ZeroPadding3D
    from dlnative.layers.convolution import Conv1D as Conv1D
    from dlnative.layers.convolution import Conv1DTranspose as Conv1DTranspose
    from dlnative.layers.convolution import Conv2D as Conv2D
    from dlnative.layers.convolution import Conv2DTranspose as Conv2DTranspose
    from dlnative.layers.convolution import Conv3D as Conv3D
    from dlnative.layers.convolution import Conv3DTranspose as Conv3DTranspose
    from dlnative.layers.core import Identity as Identity
    from dlnative.layers.core import Lambda as Lambda
    from dlnative.layers.core import Masking as Masking
    from dlnative.layers.core import Wrapper as Wrapper
    from dlnative.layers.depthwise_convolution import DepthwiseConv1D as DepthwiseConv1D
    from dlnative.layers.depthwise_convolution import DepthwiseConv2D as DepthwiseConv2D
    from dlnative.layers.depthwise_convolution import SeparableConv1D as SeparableConv1D
    from dlnative.layers.depthwise_convolution import SeparableConv2D as SeparableConv2D
    from dlnative.layers.einsum_dense import EinsumDense as EinsumDense
    from dlnative.layers.embedding import Embedding as Embedding
    from dlnative.layers.embedding import ReversibleEmbedding as ReversibleEmbedding
    from dlnative.layers.further_activations import GLU as GLU
    from dlnative.layers.further_activations import Arctan as Arctan
    from dlnative.layers.further_activations import Maxout as Maxout
    from dlnative.layers.further_activations import ShiftedReLU as ShiftedReLU
    from dlnative.layers.further_activations import Sparsemax as Sparsemax
    from dlnative.layers.further_activations import Step as Step
    from dlnative.layers.further_activations import ThresholdedReLU as ThresholdedReLU
    from dlnative.layers.group_query_attention import GroupQueryAttention as GroupQueryAttention
    from dlnative.layers.merging import Add as Add
    from dlnative.layers.merging import Average as Average
    from dlnative.layers.merging import Concatenate as Concatenate
    from dlnative.layers.merging import Dot as Dot
    from dlnative.layers.merging import Maximum as Maximum
    from dlnative.layers.merging import Minimum as Minimum
    from dlnative.layers.merging import Multiply as Multiply
    from dlnative.layers.merging import Subtract as Subtract
    from dlnative.layers.merging import add as add
    from dlnative.layers.merging import average as average
    from dlnative.layers.merging import concatenate as concatenate
    from dlnative.layers.merging import dot as dot
    from dlnative.layers.merging import maximum as maximum
    from dlnative.layers.merging import minimum as minimum
    from dlnative.layers.merging import multiply as multiply
    from dlnative.layers.merging import subtract as subtract
    from dlnative.layers.multi_head_attention import MultiHeadAttention as MultiHeadAttention
    from dlnative.layers.normalization import GroupNormalization as GroupNormalization
    from dlnative.layers.normalization import LayerNormalization as LayerNormalization
    from dlnative.layers.normalization import RMSNormalization as RMSNormalization
    from dlnative.layers.normalization import UnitNormalization as UnitNormalization
    from dlnative.layers.pooling import AdaptiveAveragePooling1D as AdaptiveAveragePooling1D
    from dlnative.layers.pooling import AdaptiveAveragePooling2D as AdaptiveAveragePooling2D
    from dlnative.layers.pooling import AdaptiveAveragePooling3D as AdaptiveAveragePooling3D
    from dlnative.layers.pooling import AdaptiveMaxPooling1D as AdaptiveMaxPooling1D
    from dlnative.layers.pooling import AdaptiveMaxPooling2D as AdaptiveMaxPooling2D
    from dlnative.layers.pooling import AdaptiveMaxPooling3D as AdaptiveMaxPooling3D
    from dlnative.layers.pooling import AveragePooling1D as AveragePooling1D
    from dlnative.layers.pooling import AveragePooling2D as AveragePooling2D
    from dlnative.layers.pooling import AveragePooling3D as AveragePooling3D
    from dlnative.layers.pooling import GlobalAveragePooling1D as GlobalAveragePooling1D
    from dlnative.layers.pooling import GlobalAveragePooling2D as GlobalAveragePooling2D
    from dlnative.layers.pooling import GlobalAveragePooling3D as GlobalAveragePooling3D
    from dlnative.layers.pooling import GlobalMaxPooling1D as GlobalMaxPooling1D
    from dlnative.layers.pooling import GlobalMaxPooling2D as GlobalMaxPooling2D
    from dlnative.layers.pooling import GlobalMaxPooling3D as GlobalMaxPooling3D
    from dlnative.layers.pooling import MaxPooling1D as MaxPooling1D
    from dlnative.layers.pooling import MaxPooling2D as MaxPooling2D
    from dlnative.layers.pooling import MaxPooling3D as MaxPooling3D
    from dlnative.layers.positions import PositionEmbedding as PositionEmbedding
    from dlnative.layers.positions import RotaryEmbedding as RotaryEmbedding
    from dlnative.layers.positions import SinePositionEncoding as SinePositionEncoding
    from dlnative.layers.positions import TokenAndPositionEmbedding as TokenAndPositionEmbedding
    from dlnative.layers.preprocessing.category_encoding import CategoryEncoding as CategoryEncoding
    from dlnative.layers.preprocessing.discretization import Discretization as Discretization
    from dlnative.layers.preprocessing.hashing import HashedCrossing as HashedCrossing
    from dlnative.layers.preprocessing.hashing import Hashing as Hashing
    from dlnative.layers.preprocessing.images.boxes import MaxNumBoundingBoxes as MaxNumBoundingBoxes
    from dlnative.layers.preprocessing.images.colors import RandomBrightness as RandomBrightness
    from dlnative.layers.preprocessing.images.colors import RandomColorDegeneration as RandomColorDegeneration
    from dlnative.layers.preprocessing.images.colors import RandomColorJitter as RandomColorJitter
    from dlnative.layers.preprocessing.images.colors import RandomContrast as RandomContrast
    from dlnative.layers.preprocessing.images.colors import RandomGrayscale as RandomGrayscale
    from dlnative.layers.preprocessing.images.colors import RandomHue as RandomHue
    from dlnative.layers.preprocessing.images.colors import RandomInvert as RandomInvert
    from dlnative.layers.preprocessing.images.colors import RandomSaturation as RandomSaturation
    from dlnative.layers.preprocessing.images.cropping import CenterCrop as CenterCrop
    from dlnative.layers.preprocessing.images.cropping import RandomCrop as RandomCrop
    from dlnative.layers.preprocessing.images.cropping import Resizing as Resizing
    from dlnative.layers.preprocessing.images.filtering import RandomGaussianBlur as RandomGaussianBlur
    from dlnative.layers.preprocessing.images.filtering import RandomSharpness as RandomSharpness
    from dlnative.layers.preprocessing.images.flipping import RandomFlip as RandomFlip
    from dlnative.layers.preprocessing.images.geometry import RandomRotation as RandomRotation
    from dlnative.layers.preprocessing.images.geometry import RandomShear as RandomShear
    from dlnative.layers.preprocessing.images.geometry import RandomTranslation as RandomTranslation
    from dlnative.layers.preprocessing.images.geometry import RandomZoom as RandomZoom
    from dlnative.layers.preprocessing.images.mixing import CutMix as CutMix
    from dlnative.layers.preprocessing.images.mixing import MixUp as MixUp
    from dlnative.layers.preprocessing.images.mixing import RandomErasing as RandomErasing
    from dlnative.layers.preprocessing.images.policies import AugMix as AugMix
    from dlnative.layers.preprocessing.images.policies import RandAugment as RandAugment
    from dlnative.layers.preprocessing.images.tones import AutoContrast as AutoContrast
    from dlnative.layers.preprocessing.images.tones import (
        ContrastLimitedAdaptiveHistogramEqualization as ContrastLimitedAdaptiveHistogramEqualization,
    )
    from dlnative.layers.preprocessing.images.tones import Equalization as Equalization
    from dlnative.layers.preprocessing.images.tones import RandomPosterization as RandomPosterization
    from dlnative.layers.preprocessing.images.tones import Solarization as Solarization
    from dlnative.layers.preprocessing.images.warping import RandomElasticTransform as RandomElasticTransform
    from dlnative.layers.preprocessing.images.warping import RandomPerspective as RandomPerspective
    from dlnative.layers.preprocessing.integer_lookup import IntegerLookup as IntegerLookup
    from dlnative.layers.preprocessing.mel_spectrogram import MelSpectrogram as MelSpectrogram
    from dlnative.layers.preprocessing.normalization import Normalization as Normalization
    from dlnative.layers.preprocessing.pipeline import Pipeline as Pipeline
    from dlnative.layers.preprocessing.rescaling import Rescaling as Rescaling
    from dlnative.layers.preprocessing.stft_spectrogram import STFTSpectrogram as STFTSpectrogram
    from dlnative.layers.preprocessing.string_lookup import StringLookup as StringLookup
    from dlnative.layers.preprocessing.text_vectorization import TextVectorization as TextVectorization
    from dlnative.layers.regularization import ActivityRegularization as ActivityRegularization
    from dlnative.layers.regularization import AlphaDropout as AlphaDropout
    from dlnative.layers.regularization import Dropout as Dropout
    from dlnative.layers.regularization import GaussianDropout as GaussianDropout
    from dlnative.layers.regularization import GaussianNoise as GaussianNoise
    from dlnative.layers.regularization import SpatialDropout1D as SpatialDropout1D
    from dlnative.layers.regularization import SpatialDropout2D as SpatialDropout2D
    from dlnative.layers.regularization import SpatialDropout3D as SpatialDropout3D
    from dlnative.layers.reshaping import Flatten as Flatten
    from dlnative.layers.reshaping import Permute as Permute
    from dlnative.layers.reshaping import RepeatVector as RepeatVector
    from dlnative.layers.reshaping import Reshape as Reshape
    from dlnative.layers.reshaping import UpSampling1D as UpSampling1D
    from dlnative.layers.reshaping import UpSampling2D as UpSampling2D
    from dlnative.layers.reshaping import UpSampling3D as UpSampling3D
    from dlnative.layers.rnn.bidirectional import Bidirectional as Bidirectional
    from dlnative.layers.rnn.conv_lstm import ConvLSTM1D as ConvLSTM1D
    from dlnative.layers.rnn.conv_lstm import ConvLSTM2D as ConvLSTM2D
    from dlnative.layers.rnn.conv_lstm import ConvLSTM3D as ConvLSTM3D
    from dlnative.layers.rnn.gru import GRU as GRU
    from dlnative.layers.rnn.gru import GRUCell as GRUCell
    from dlnative.layers.rnn.lstm import LSTM as LSTM
    from dlnative.layers.rnn.lstm import LSTMCell as LSTMCell
    from dlnative.layers.rnn.rnn import RNN as RNN
    from dlnative.layers.rnn.simple_rnn import SimpleRNN as SimpleRNN
    from dlnative.layers.rnn.simple_rnn import SimpleRNNCell as SimpleRNNCell
    from dlnative.layers.rnn.stacked_rnn_cells import StackedRNNCells as StackedRNNCells
    from dlnative.layers.rnn.time_distributed import TimeDistributed as TimeDistributed
    from dlnative.layers.spectral_normalization import SpectralNormalization as SpectralNormalization
    from dlnative.layers.transformer import TransformerDecoder as TransformerDecoder
    from dlnative.layers.transformer import TransformerEncoder as TransformerEncoder

_LATER = {
    "activations": ("ELU", "Activation", "LeakyReLU", "PReLU", "ReLU", "Softmax"),
    "attention": ("AdditiveAttention", "Attention"),
    "batch_normalization": ("BatchNormalization",),
    "borders": ("Cropping1D", "Cropping2D", "Cropping3D", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"),
    "convolution": ("Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose"),
    "core": ("Identity", "Lambda", "Masking", "Wrapper"),
    "depthwise_convolution": ("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
    "einsum_dense": ("EinsumDense",),
    "embedding": ("Embedding", "ReversibleEmbedding"),
    "further_activations": ("Arctan", "GLU", "Maxout", "ShiftedReLU", "Sparsemax", "Step", "ThresholdedReLU"),
    "group_query_attention": ("GroupQueryAttention",),
    "merging": (
        "Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract",
        "add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract",
    ),
    "multi_head_attention": ("MultiHeadAttention",),
    "normalization": ("GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"),
    "pooling": (
        "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D", "AdaptiveMaxPooling1D",
        "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D",
        "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalMaxPooling1D",
        "GlobalMaxPooling2D", "GlobalMaxPooling3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D",
    ),
    "positions": ("PositionEmbedding", "RotaryEmbedding", "SinePositionEncoding", "TokenAndPositionEmbedding"),
    "preprocessing.category_encoding": ("CategoryEncoding",),
    "preprocessing.discretization": ("Discretization",),
    "preprocessing.hashing": ("HashedCrossing", "Hashing"),
    "preprocessing.images.boxes": ("MaxNumBoundingBoxes",),
    "preprocessing.images.colors": (
        "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomGrayscale",
        "RandomHue", "RandomInvert", "RandomSaturation",
    ),
    "preprocessing.images.cropping": ("CenterCrop", "RandomCrop", "Resizing"),
    "preprocessing.images.filtering": ("RandomGaussianBlur", "RandomSharpness"),
    "preprocessing.images.flipping": ("RandomFlip",),
    "preprocessing.images.geometry": ("RandomRotation", "RandomShear", "RandomTranslation", "RandomZoom"),
    "preprocessing.images.mixing": ("CutMix", "MixUp", "RandomErasing"),
    "preprocessing.images.policies": ("AugMix", "RandAugment"),
    "preprocessing.images.tones": (
        "AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "Equalization", "RandomPosterization",
        "Solarization",
    ),
    "preprocessing.images.warping": ("RandomElasticTransform", "RandomPerspective"),
    "preprocessing.pipeline": ("Pipeline",),
    "preprocessing.integer_lookup": ("IntegerLookup",),
    "preprocessing.mel_spectrogram": ("MelSpectrogram",),
    "preprocessing.normalization": ("Normalization",),
    "preprocessing.rescaling": ("Rescaling",),
    "preprocessing.stft_spectrogram": ("STFTSpectrogram",),
    "preprocessing.string_lookup": ("StringLookup",),
    "preprocessing.text_vectorization": ("TextVectorization",),
    "regularization": (
        "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D",
        "SpatialDropout2D", "SpatialDropout3D",
    ),
    "reshaping": ("Flatten", "Permute", "RepeatVector", "Reshape", "UpSampling1D", "UpSampling2D", "UpSampling3D"),
    "rnn.bidirectional": ("Bidirectional",),
    "rnn.conv_lstm": ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
    "rnn.gru": ("GRU", "GRUCell"),
    "rnn.lstm": ("LSTM", "LSTMCell"),
    "rnn.rnn": ("RNN",),
    "rnn.simple_rnn": ("SimpleRNN", "SimpleRNNCell"),
    "rnn.stacked_rnn_cells": ("StackedRNNCells",),
    "rnn.time_distributed": ("TimeDistributed",),
    "spectral_normalization": ("SpectralNormalization",),
    "transformer": ("TransformerDecoder", "TransformerEncoder"),
}  # fmt: skip
# Second names that Keras has for layers.
_ALIASES = {
    "AvgPool1D": "AveragePooling1D",
    "AvgPool2D": "AveragePooling2D",
    "AvgPool3D": "AveragePooling3D",
    "Convolution1D": "Conv1D",
    "Convolution1DTranspose": "Conv1DTranspose",
    "Convolution2D": "Conv2D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "Convolution3D": "Conv3D",
    "Convolution3DTranspose": "Conv3DTranspose",
    "GlobalAvgPool1D": "GlobalAveragePooling1D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalAvgPool3D": "GlobalAveragePooling3D",
    "GlobalMaxPool1D": "GlobalMaxPooling1D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "GlobalMaxPool3D": "GlobalMaxPooling3D",
    "MaxPool1D": "MaxPooling1D",
    "MaxPool2D": "MaxPooling2D",
    "MaxPool3D": "MaxPooling3D",
    "SeparableConvolution1D": "SeparableConv1D",
    "SeparableConvolution2D": "SeparableConv2D",
}
__getattr__ = lazily(__name__, _LATER, {alias: f"{__name__}.{name}" for alias, name in _ALIASES.items()})
if not TYPE_CHECKING:  # type checkers read the imports above
    __all__ = ["Dense", "Input", "InputLayer", "InputSpec", "Layer", "deserialize", "serialize", *_ALIASES]
    __all__ += [name for names in _LATER.values() for name in names]


def serialize(layer: Any) -> dict[str, Any]:
    """Returns a layer as a dict in Keras's format, from which `deserialize` makes another."""
    from dlnative.saving.serialization import serialize_keras_object

    made: dict[str, Any] = serialize_keras_object(layer)
    return made


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Makes a layer from what `serialize` returned.

    Args:
        config: a dict with `class_name` and `config`.
        custom_objects: classes by name.

    Raises:
        TypeError, ValueError: for an unknown class, or what is no layer.
    """
    from dlnative.saving.serialization import deserialize_keras_object

    if not isinstance(config, dict) or "class_name" not in config:
        raise ValueError(f"layer: expected the config of a layer, got {config!r}")
    made = deserialize_keras_object(config, custom_objects)
    if not isinstance(made, Layer):
        raise ValueError(f"layer: expected the config of a layer, got {made!r}")
    return made
