package wire

import (
	"iter"
	"slices"
	"time"

	"github.com/dashwire/dashwire/board"
)

// The modes of a SYNC_RESPONSE (R1).
const (
	ModeSnapshot = "snapshot"
	ModeDelta    = "delta"
	ModeNone     = "none"
)

// Document is what a snapshot is made of; *board.State is one.
type Document interface {
	Settings() board.Value
	Layouts() iter.Seq2[string, *board.Layout]
	Widgets() iter.Seq2[string, board.Value]
}

// DocumentSource holds a document's pieces in the form that is sent, so that many
// who ask for the same version share the work. It is not modified after
// NewDocumentSource and may be used by any number of goroutines at once.
type DocumentSource struct{ pieces []piece }

// NewDocumentSource encodes the pieces of a document. Values are those of the document,
// and not copied.
func NewDocumentSource(doc Document) DocumentSource {
	list := []piece{{kind: pieceSettings, name: "settings", value: doc.Settings()}}
	for name, layout := range doc.Layouts() {
		list = append(list, piece{kind: pieceLayout, name: name, text: board.AppendLayout(nil, layout)})
	}
	for id, value := range doc.Widgets() {
		list = append(list, piece{kind: pieceWidget, name: id, value: value})
	}
	return DocumentSource{pieces: list}
}

// keyOnly appends the key of a member without a comma. Ids need no escapes (D2).
func keyOnly(dst []byte, key string) []byte {
	dst = append(dst, '"')
	dst = append(dst, key...)
	return append(dst, `":`...)
}

// pieceKind says where in a SYNC_RESPONSE a piece stands.
type pieceKind byte

// The kinds, in the order in which they are sent.
const (
	pieceSettings pieceKind = iota
	pieceLayout
	pieceWidget
	pieceEntry
	piecePresence
	pieceData
)

// piece is the smallest part of a SYNC_RESPONSE that is not cut: one member or
// element of its kind's object or array.
type piece struct {
	kind pieceKind
	name string // of a member; "" = an element, or text has it
	// Its text is one of them.
	value board.Value
	text  []byte
}

// size is about how many bytes append adds.
func (p *piece) size() int { return len(p.name) + len(p.value) + len(p.text) + len(`"":,`) }

// append appends the piece without a comma.
func (p *piece) append(dst []byte) []byte {
	if p.name != "" {
		dst = keyOnly(dst, p.name)
	}
	return append(append(dst, p.value...), p.text...)
}

// pieces gathers pieces in one slab.
type pieces struct {
	text  []byte
	start int
	cuts  []cut
}

type cut struct {
	kind       pieceKind
	start, end int
}

func (b *pieces) begin() { b.start = len(b.text) }

func (b *pieces) end(kind pieceKind) {
	b.cuts = append(b.cuts, cut{kind, b.start, len(b.text)})
}

// list gives the pieces once the slab does not grow any more.
func (b *pieces) list() []piece {
	list := make([]piece, len(b.cuts))
	for i, c := range b.cuts {
		list[i] = piece{kind: c.kind, text: b.text[c.start:c.end:c.end]}
	}
	return list
}

// appendLive adds the presence and the live values of a response.
func appendLive(list []piece, r *SyncResponse) []piece {
	if len(r.Presence)+len(r.Data) == 0 {
		return list
	}
	var b pieces
	for i := range r.Presence {
		b.begin()
		b.text = appendState(b.text, &r.Presence[i])
		b.end(piecePresence)
	}
	for i := range r.Data {
		b.begin()
		b.text = appendValueText(keyOnly(b.text, r.Data[i].WidgetID), &r.Data[i])
		b.end(pieceData)
	}
	return append(list, b.list()...)
}

// SyncSnapshotParts encodes a SYNC_RESPONSE with the document: one message, or
// several of about partBytes each, cut between widgets, breakpoints, present
// sessions and live values (R8), each framed as AppendFrame does it. PartBytes 0 never
// cuts.
//
// A client joins the parts by their members: document.widgets, document.layouts
// and data by name, presence by appending; settings and count stand in the first.
func SyncSnapshotParts(correlationID string, r SyncResponse, doc DocumentSource, partBytes int, now time.Time) [][]byte {
	r.Mode = ModeSnapshot
	// Capped, so that appending leaves the shared slice alone.
	shared := doc.pieces[:len(doc.pieces):len(doc.pieces)]
	return syncParts(correlationID, &r, appendLive(shared, &r), partBytes, now)
}

// SyncDeltaParts encodes a SYNC_RESPONSE with entries, each as it stands in the log;
// cut and framed like a snapshot, between entries.
func SyncDeltaParts(correlationID string, r SyncResponse, entries [][]byte, partBytes int, now time.Time) [][]byte {
	r.Mode = ModeDelta
	return syncParts(correlationID, &r, appendLive(entryPieces(entries, len(r.Presence)+len(r.Data)), &r), partBytes, now)
}

func entryPieces(entries [][]byte, more int) []piece {
	list := make([]piece, len(entries), len(entries)+more)
	for i, e := range entries {
		list[i] = piece{kind: pieceEntry, text: e}
	}
	return list
}

// AppendSyncResponsePayload appends the payload of a SYNC_RESPONSE in one piece, as
// REST answers it (H1): with the document or the entries as r.Mode says.
func AppendSyncResponsePayload(dst []byte, r SyncResponse, doc DocumentSource, entries [][]byte) []byte {
	list := doc.pieces[:len(doc.pieces):len(doc.pieces)]
	if r.Mode == ModeDelta {
		list = entryPieces(entries, len(r.Presence)+len(r.Data))
	}
	list = appendLive(list, &r)
	size := partOverhead
	for i := range list {
		size += list[i].size()
	}
	dst = append(slices.Grow(dst, size), '{')
	dst = appendSyncPart(dst, &r, list, 0, 1)
	return append(dst, '}')
}

// partOverhead is about what a part holds beside its pieces.
const partOverhead = 512

func syncParts(correlationID string, r *SyncResponse, list []piece, partBytes int, now time.Time) [][]byte {
	var ends []int // of each part, in list
	size := partOverhead
	largest := size
	for i := range list {
		n := list[i].size()
		if partBytes > 0 && size+n > partBytes && size > partOverhead {
			ends = append(ends, i)
			size = partOverhead
		}
		size += n
		largest = max(largest, size)
	}
	ends = append(ends, len(list))
	framed := make([][]byte, len(ends))
	start := 0
	for i, end := range ends {
		dst := make([]byte, FrameHeaderMax, FrameHeaderMax+largest)
		dst = open(dst, TypeSyncResponse, correlationID, now)
		dst = appendSyncPart(dst, r, list[start:end], i, len(ends))
		framed[i] = frameBehind(shut(dst))
		start = end
	}
	return framed
}

// appendSyncPart appends the members of one part's payload; index counts from 0.
func appendSyncPart(dst []byte, r *SyncResponse, list []piece, index, parts int) []byte {
	dst = stringMember(dst, "dashboardId", r.DashboardID)
	dst = stringMember(dst, "epoch", r.Epoch)
	dst = uintMember(dst, "version", r.Version)
	dst = uintMember(dst, "horizon", r.Horizon)
	dst = stringMember(dst, "role", r.Role)
	dst = stringMember(dst, "mode", r.Mode)
	if parts > 1 {
		dst = intMember(dst, "part", index+1)
		dst = intMember(dst, "parts", parts)
	}
	if r.Rewound {
		dst = boolMember(dst, "rewound", true)
	}
	if r.Stale {
		dst = boolMember(dst, "stale", true)
	}
	first := index == 0
	if first && r.Count > 0 {
		dst = intMember(dst, "count", r.Count)
	}
	list, dst = appendDocument(dst, r, list, first)
	list, dst = appendGroup(dst, list, pieceEntry, "entries", first && r.Mode == ModeDelta)
	list, dst = appendGroup(dst, list, piecePresence, "presence", first)
	_, dst = appendGroup(dst, list, pieceData, "data", first)
	return dst
}

// appendDocument appends the document of a snapshot with the pieces of it that stand
// at the front of list, and returns the rest. The first part has every member.
func appendDocument(dst []byte, r *SyncResponse, list []piece, first bool) ([]piece, []byte) {
	first = first && r.Mode == ModeSnapshot
	if !first && (len(list) == 0 || list[0].kind > pieceWidget) {
		return list, dst
	}
	dst = append(member(dst, "document"), '{')
	dst = stringMember(dst, "id", r.DashboardID)
	dst = stringMember(dst, "epoch", r.Epoch)
	dst = uintMember(dst, "version", r.Version)
	if len(list) > 0 && list[0].kind == pieceSettings {
		dst = list[0].append(append(dst, ','))
		list = list[1:]
	}
	list, dst = appendGroup(dst, list, pieceLayout, "layouts", first)
	list, dst = appendGroup(dst, list, pieceWidget, "widgets", first)
	return list, append(dst, '}')
}

// appendGroup appends the pieces of one kind at the front of list as a member, an
// empty one too if always, and returns the rest.
func appendGroup(dst []byte, list []piece, kind pieceKind, key string, always bool) ([]piece, []byte) {
	n := 0
	for n < len(list) && list[n].kind == kind {
		n++
	}
	if n == 0 && !always {
		return list, dst
	}
	brackets := "{}"
	if kind == pieceEntry || kind == piecePresence {
		brackets = "[]"
	}
	dst = append(member(dst, key), brackets[0])
	for i := range list[:n] {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = list[i].append(dst)
	}
	return list[n:], append(dst, brackets[1])
}

// AppendSyncNone appends the answer to an unsubscribe.
func AppendSyncNone(dst []byte, correlationID, dashboardID string, now time.Time) []byte {
	dst = open(dst, TypeSyncResponse, correlationID, now)
	dst = stringMember(dst, "dashboardId", dashboardID)
	return shut(stringMember(dst, "mode", ModeNone))
}

// AppendSyncUpdate appends the change from one version to another as one message
// (R5). From is the version that the reader has, to the one it has afterwards.
func AppendSyncUpdate(dst []byte, dashboardID, epoch string, from, to uint64, change *board.Change, now time.Time) []byte {
	dst = open(dst, TypeSyncUpdate, "", now)
	dst = stringMember(dst, "dashboardId", dashboardID)
	dst = stringMember(dst, "epoch", epoch)
	dst = uintMember(dst, "from", from)
	dst = uintMember(dst, "version", to)
	return shut(board.AppendChange(member(dst, "change"), change))
}

// The reasons why a dashboard is closed to a session (R9, P4).
const (
	ClosedDeleted   = "deleted"
	ClosedForbidden = "forbidden"
)

// AppendSyncClosed appends the last word on a dashboard.
func AppendSyncClosed(dst []byte, dashboardID, why string, now time.Time) []byte {
	dst = open(dst, TypeSyncUpdate, "", now)
	dst = stringMember(dst, "dashboardId", dashboardID)
	return shut(stringMember(dst, "closed", why))
}

// AppendSyncRole appends a new role of the session's user on a dashboard (P4).
func AppendSyncRole(dst []byte, dashboardID, role string, now time.Time) []byte {
	dst = open(dst, TypeSyncUpdate, "", now)
	dst = stringMember(dst, "dashboardId", dashboardID)
	return shut(stringMember(dst, "role", role))
}
