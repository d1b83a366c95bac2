package session

import (
	"context"
	"fmt"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal"
)

// replica is what a client knows of one dashboard, folded from what it hears. It
// outlives sessions, as a client does.
type replica struct {
	id      string
	epoch   string
	version uint64
	doc     *board.Document

	subscribed bool
	parts      *wire.SyncPart // of a SYNC_RESPONSE that has not come whole
	ranges     int            // SYNC_UPDATEs with a range
	snapshots  int
	entries    int
	joined     int // SYNC_ENTRIES
}

func newReplica(id string) *replica {
	return &replica{id: id, doc: board.NewState(id).Document()}
}

// bytes is the document in canonical form.
func (r *replica) bytes() string { return string(board.AppendDocument(nil, r.doc)) }

// hear takes one message in and holds it against R2. change gives the change of a
// version that was heard as an ACK.
func (r *replica) hear(m wire.ServerMessage, change func(epoch string, version uint64) *board.Change) error {
	switch {
	case m.Sync != nil && m.Sync.DashboardID == r.id:
		return r.sync(m.Sync)
	case m.Update != nil && m.Update.DashboardID == r.id:
		return r.update(m.Update)
	case m.Entry != nil && m.Entry.DashboardID == r.id:
		r.entries++
		return r.next(m.Entry.Epoch, m.Entry.Version, m.Entry.Change)
	case len(m.Entries) > 0 && m.Entries[0].DashboardID == r.id:
		r.joined++
		for _, e := range m.Entries {
			r.entries++
			if err := r.next(e.Epoch, e.Version, e.Change); err != nil {
				return err
			}
		}
	case m.Ack != nil && m.Ack.DashboardID == r.id:
		if !m.Ack.InStream {
			return nil
		}
		return r.next(m.Ack.Epoch, m.Ack.Of.Version, change(m.Ack.Epoch, m.Ack.Of.Version))
	}
	return nil
}

// next takes one version in.
func (r *replica) next(epoch string, version uint64, change *board.Change) error {
	switch {
	case !r.subscribed:
		return fmt.Errorf("version %d came without a subscription", version)
	case r.parts != nil:
		return fmt.Errorf("version %d came between the parts of an answer", version)
	case version != r.version+1, r.epoch != epoch && (r.epoch != "" || version != 1):
		return fmt.Errorf("version %q %d came after %q %d", epoch, version, r.epoch, r.version)
	case change == nil:
		return fmt.Errorf("version %q %d is not in the log", epoch, version)
	}
	r.epoch, r.version, r.doc = epoch, version, change.ApplyTo(r.doc)
	return nil
}

func (r *replica) sync(p *wire.SyncPart) error {
	if p.Mode == wire.ModeNone {
		r.subscribed = false
		return nil
	}
	if r.parts == nil {
		r.parts = p
	} else {
		r.parts.Join(p)
	}
	if p.Part < p.Parts {
		return nil
	}
	whole := r.parts
	r.parts, r.subscribed = nil, true
	if whole.Mode == wire.ModeSnapshot {
		if whole.Epoch == r.epoch && whole.Version < r.version && !whole.Rewound {
			return fmt.Errorf("snapshot of version %d for one who has %d", whole.Version, r.version)
		}
		r.snapshots++
		r.epoch, r.version, r.doc = whole.Epoch, whole.Version, whole.Document
		return nil
	}
	for _, e := range whole.Entries {
		if e.Version <= r.version && e.Epoch == r.epoch {
			continue // has it already: asked with an older since
		}
		if err := r.next(e.Epoch, e.Version, e.Change); err != nil {
			return fmt.Errorf("in a delta: %w", err)
		}
	}
	if r.version != whole.Version {
		return fmt.Errorf("a delta to version %d ends at %d", whole.Version, r.version)
	}
	return nil
}

func (r *replica) update(u *wire.SyncUpdate) error {
	switch {
	case u.Closed != "":
		*r = *newReplica(r.id)
		return nil
	case u.Role != "":
		return nil
	case !r.subscribed || u.From != r.version || u.To <= u.From || u.Epoch != r.epoch && (r.epoch != "" || u.From != 0):
		return fmt.Errorf("range %q %d to %d came after %q %d", u.Epoch, u.From, u.To, r.epoch, r.version)
	}
	r.ranges++
	r.epoch, r.version, r.doc = u.Epoch, u.To, u.Change.ApplyTo(r.doc)
	return nil
}

// logged gives the changes that a journal holds, by epoch and version.
func logged(j journal.Journal, id string) func(epoch string, version uint64) *board.Change {
	return func(epoch string, version uint64) *board.Change {
		for rec, err := range j.Read(context.Background(), id, 0) {
			if err != nil {
				return nil
			}
			e, err := board.ParseRecord(rec.Data)
			if err != nil {
				return nil
			}
			if e.Version == version && e.Epoch == epoch {
				return e.Change
			}
		}
		return nil
	}
}

// folded is the document that the log of a dashboard adds up to, in canonical form.
func folded(j journal.Journal, id string) (doc string, state *board.State, err error) {
	state = board.NewState(id)
	for rec, err := range j.Read(context.Background(), id, 0) {
		if err != nil {
			return "", nil, err
		}
		e, err := board.ParseRecord(rec.Data)
		if err != nil {
			return "", nil, err
		}
		if state, err = state.Fold(e); err != nil {
			return "", nil, err
		}
	}
	return string(board.AppendDocument(nil, state.Document())), state, nil
}

// hearAll takes everything that a peer has got into a replica.
func (p *peer) hearAll(r *replica, j journal.Journal) []message {
	p.t.Helper()
	got := p.take()
	for _, m := range got {
		decoded, err := wire.DecodeServer(m.raw)
		if err == nil {
			err = r.hear(decoded, logged(j, r.id))
		}
		if err != nil {
			p.t.Fatalf("%v, in %.300s", err, m.raw)
		}
	}
	return got
}
