"""Values that Keras saves with the model that they are a part of."""

import dataclasses
from typing import Any

import keras

from jare_tf.errors import InputError


class Serializable:
    """A dataclass that Keras saves by its fields and makes again from them, in `keras.Model.save` and its like.

    A subclass is registered with Keras as "<its package>><its name>" where it is defined; to load it, its module must
    be imported. One that is no dataclass brings its own `get_config`.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        keras.saving.register_keras_serializable(cls.__module__.partition(".")[0])(cls)

    def get_config(self) -> dict[str, Any]:
        """Its fields, as Keras writes them.

        Raises:
          InputError: it is no dataclass.
        """
        if not dataclasses.is_dataclass(self):
            raise InputError(f"{type(self).__name__} cannot be saved: make it a dataclass, or give it a get_config")
        fields = [field.name for field in dataclasses.fields(self) if field.init]
        return {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in fields}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Makes it from what `get_config` gave; a file has lists for tuples, which are tuples again."""
        return cls(**{name: _tuples(keras.saving.deserialize_keras_object(value)) for name, value in config.items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
