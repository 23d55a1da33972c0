"""The page on which the user's settings are changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk

from link import settings
from link.errors import PlugInError
from link.texts import _
from protocol import keys
from protocol.settings import Remote, Settings, is_address
from protocol.typed import ProtocolError
from windows.dialogs import SPACING, hint

LEVELS = (
    ("fast", _("Fast: the encoder and a few steps")),
    ("balanced", _("Balanced: more steps, higher fidelity")),
    ("faithful", _("Faithful: many steps, the highest fidelity")),
)
_DAY = 24 * 60  # minutes


class SettingsPage:
    """The widgets; `on_saved` is called when new settings are in force."""

    def __init__(self, on_saved: Callable[[], None]) -> None:
        self._on_saved = on_saved
        self._saved = Settings()
        self._own_key = Gtk.Entry(editable=False, hexpand=True, width_chars=44)
        self._level = Gtk.ComboBoxText(hexpand=True)
        for name, text in LEVELS:
            self._level.append(name, text)
        self._idle = Gtk.SpinButton.new_with_range(0, _DAY, 5)
        self._declare = Gtk.CheckButton.new_with_mnemonic(_("Mark edited images as cha_nged by AI"))
        self._here = Gtk.RadioButton.new_with_mnemonic(None, _("Work on _this computer"))
        self._there = Gtk.RadioButton.new_with_mnemonic_from_widget(
            self._here, _("Work on _another computer")
        )
        self._address = Gtk.Entry(placeholder_text="workstation:5570")
        self._key = Gtk.Entry(
            placeholder_text=_("64 hexadecimal digits, as 'editgan serve' prints them there")
        )
        self._command = hint("")
        self._command.set_selectable(True)
        self._only_there: list[Gtk.Widget] = [self._command]  # what is for another computer
        self._news = Gtk.Label(xalign=0.0, wrap=True, max_width_chars=60)
        self._save = Gtk.Button.new_with_mnemonic(_("Sa_ve Settings"))
        self._save.set_halign(Gtk.Align.END)
        self._save.connect("clicked", lambda _button: self.save())
        self.widget = self._laid_out()
        self._watch()

    def show(self) -> None:
        """Show the settings as they are kept."""
        try:
            self._saved = settings.load()
        except PlugInError as error:  # saving replaces what cannot be read
            self._news.set_text(str(error))
        self._fill(self._saved)
        try:
            own = keys.to_hex(keys.own("client").public)
        except (OSError, ProtocolError) as error:
            self._command.set_text(str(error))
        else:
            self._own_key.set_text(own)
            command = f"editgan serve --tcp 0.0.0.0:5570 --allow {own}"
            self._command.set_text(_("Start EditGAN there with: {command}").format(command=command))
        self._update()

    @property
    def changed(self) -> bool:
        """Whether something is not saved."""
        try:
            return self._entered() != self._saved
        except PlugInError:
            return True

    def save(self) -> bool:
        """Put what was entered in force; False, and a sentence on the page, where it cannot be."""
        try:
            entered = self._entered()
            settings.save(entered)
        except PlugInError as error:
            self._news.set_text(str(error))
            return False
        self._saved = entered
        self._news.set_text(_("Saved."))
        self._update()
        self._on_saved()
        return True

    def _entered(self) -> Settings:
        """What the widgets say. Raises PlugInError for what cannot be."""
        use_remote = self._there.get_active()
        address, key = self._address.get_text().strip(), self._key.get_text().strip()
        remote = None
        if address or key or use_remote:
            if not is_address(address):
                raise PlugInError(
                    _("The address must be the other computer's name and port: workstation:5570.")
                )
            if not keys.is_key(key):
                raise PlugInError(
                    _(
                        "The key has 64 hexadecimal digits: copy it from the output of 'editgan "
                        "serve'."
                    )
                )
            remote = Remote(address, key.lower())
        return replace(
            self._saved,
            level=self._level.get_active_id(),
            idle_minutes=self._idle.get_value_as_int(),
            declare_ai=self._declare.get_active(),
            remote=remote,
            use_remote=use_remote,
        )

    def _fill(self, values: Settings) -> None:
        self._level.set_active_id(values.level)
        self._idle.set_value(values.idle_minutes)
        self._declare.set_active(values.declare_ai)
        self._address.set_text(values.remote.address if values.remote else "")
        self._key.set_text(values.remote.key if values.remote else "")
        (self._there if values.use_remote else self._here).set_active(True)

    def _watch(self) -> None:
        for widget, signal in (
            (self._level, "changed"),
            (self._idle, "value-changed"),
            (self._declare, "toggled"),
            (self._there, "toggled"),
            (self._address, "changed"),
            (self._key, "changed"),
        ):
            widget.connect(signal, lambda _widget: self._update())

    def _update(self) -> None:
        remote = self._there.get_active()
        for widget in self._only_there:
            widget.set_visible(remote)
        self._idle.set_sensitive(not remote)  # the other computer has its own
        self._save.set_sensitive(self.changed)
        if self.changed:
            self._news.set_text("")

    def _laid_out(self) -> Gtk.Grid:
        grid = Gtk.Grid(row_spacing=6, column_spacing=SPACING, border_width=SPACING)
        copy = Gtk.Button.new_with_mnemonic(_("Cop_y"))
        copy.set_tooltip_text(_("Copy this computer's key"))
        copy.connect("clicked", self._copy_key)
        own = Gtk.Box(spacing=6)
        own.pack_start(self._own_key, True, True, 0)
        own.pack_start(copy, False, False, 0)
        rows: list[tuple[str, Gtk.Widget]] = [
            (_("_Fidelity of photos"), self._level),
            (_("Minutes unt_il it ends without work"), self._idle),
            ("", self._declare),
            ("", self._here),
            ("", self._there),
            (_("A_ddress"), self._address),
            (_("Its _key"), self._key),
            (_("This computer's key"), own),
        ]
        for number, (text, widget) in enumerate(rows):
            label = Gtk.Label.new_with_mnemonic(text)
            label.set_xalign(0.0)
            label.set_mnemonic_widget(widget)
            grid.attach(label, 0, number, 1, 1)
            grid.attach(widget, 1, number, 1, 1)
            if widget in (self._address, self._key, own):
                self._only_there += [label, widget]
        for offset, widget in enumerate((self._command, self._news, self._save)):
            grid.attach(widget, 0, len(rows) + offset, 2, 1)
        for widget in self._only_there:
            widget.show_all()  # what is in it
            widget.set_no_show_all(True)
        self._idle.set_tooltip_text(_("0: never"))
        self._idle.set_halign(Gtk.Align.START)
        return grid

    def _copy_key(self, _button: Gtk.Button) -> None:
        clipboard = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)
        clipboard.set_text(self._own_key.get_text(), -1)
        clipboard.store()
