"""The whole vocabulary of the wire, a module for each subject; the annotations are its schema.

Everybody imports from here: `from protocol.messages import Segment`, or the lot as `m` with
`from protocol import messages as m`.

Coordinates are photo pixels, x right, y down, (0, 0) = the top-left corner of the top-left pixel.
Two sockets: *jobs* (work, one after the other) and *control* (never waits behind a job).
"""

from protocol.facts import ApplyReport, BundleInfo, LearnReport, PhotoReport, RepaintReport
from protocol.messages.bundles import Bundles, ListBundles
from protocol.messages.control import (
    Bye,
    Cancel,
    Cancelled,
    Hello,
    Log,
    LogText,
    Ping,
    Pong,
    Shutdown,
    Status,
    StatusReport,
    Welcome,
)
from protocol.messages.downloads import (
    Download,
    DownloadableModel,
    Downloaded,
    Downloads,
    ListDownloads,
)
from protocol.messages.edits import (
    Applied,
    Apply,
    Borrow,
    Edited,
    EditRef,
    LiveRepaint,
    LiveRepainted,
    Repaint,
    Repainted,
    ResultLayer,
)
from protocol.messages.events import ErrorReply, Preview, Progress
from protocol.messages.fields import (
    Byte,
    Count,
    Fraction,
    Latent,
    Layer,
    Level,
    Mask,
    Name,
    Photo,
    Preview8,
    Quad,
    Rect,
    Scale,
    Side,
    Size,
)
from protocol.messages.kinds import (
    ControlRequest,
    Event,
    FilesRequest,
    JobRequest,
    Message,
    TransferRequest,
)
from protocol.messages.learning import Learn, Learned, ListRecipes, RecipeInfo, Recipes
from protocol.messages.library import (
    Deleted,
    DeleteEdit,
    EditContent,
    EditInfo,
    Edits,
    Exported,
    ExportEdit,
    GetEdit,
    Imported,
    ImportEdit,
    ListEdits,
    RenameEdit,
    RestoreEdit,
    Saved,
    SaveEdit,
    SetFavourite,
)
from protocol.messages.own_models import (
    DrawSample,
    EncoderTrained,
    LabelPhoto,
    ListOwnModels,
    ModelLabels,
    NameParts,
    OwnModel,
    OwnModels,
    PartsTrained,
    PartTemplate,
    PartToLabel,
    SampleToLabel,
    SaveLabels,
    TrainEncoder,
    TrainParts,
    UnreadableModel,
)
from protocol.messages.people import Identity, Recognise, Recognised
from protocol.messages.photos import (
    Detect,
    Detected,
    HasPhoto,
    PaintedPart,
    PartLayer,
    PhotoKnown,
    PlacedMask,
    Segment,
    Segmented,
    Subject,
)
from protocol.messages.previews import (
    EditThumbnail,
    EditThumbnails,
    PreviewEdits,
    PreviewStack,
    StackPreview,
)
from protocol.typed import Pixels, ProtocolError


def _concrete(cls: type[Message]) -> list[type[Message]]:
    children = cls.__subclasses__()
    return [leaf for child in children for leaf in _concrete(child)] if children else [cls]


MESSAGES: dict[str, type[Message]] = {cls.__name__: cls for cls in _concrete(Message)}
"""The whole vocabulary of the wire by name: the classes that nothing derives from."""
