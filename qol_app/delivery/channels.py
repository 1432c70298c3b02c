"""The registry of channels, by the names that protocols use."""

from collections.abc import Callable, Mapping

from qol_app.delivery.console import Console
from qol_app.delivery.message import Channel, ChannelSettings
from qol_app.delivery.push import Push
from qol_app.delivery.sms import Sms
from qol_app.delivery.smtp import Email

# A channel is one file and one line here.
CHANNELS: Mapping[str, Callable[[ChannelSettings], Channel]] = {
    "email": Email.from_settings,
    "sms": Sms.from_settings,
    "push": Push.from_settings,
    "console": Console.from_settings,
}

# The setting without which a channel cannot be used; a demo's console needs none.
NEEDED_SETTING: Mapping[str, str] = {
    "email": "smtp_url",
    "sms": "sms_url",
    "push": "vapid_private_key",
    "console": "demo",
}


def open_channels(settings: ChannelSettings) -> dict[str, Channel]:
    """Return every channel whose setting is there, ready to send.

    Raises
    ------
    SettingsError
        If a setting is there but wrong.
    """
    return {
        name: make(settings)
        for name, make in CHANNELS.items()
        if getattr(settings, NEEDED_SETTING[name])
    }


def usable_channels(settings: ChannelSettings) -> tuple[str, ...]:
    """Return the names of the channels the worker sends by; a demo brings its own mailbox."""
    return tuple(
        name
        for name, needed in NEEDED_SETTING.items()
        if getattr(settings, needed) or (name == "email" and settings.demo)
    )
