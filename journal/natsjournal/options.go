package natsjournal

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"
)

// Options of Open; the zero value asks for three replicas that sync each write.
type Options struct {
	// Stream is the name of the stream that holds the logs, and the start of its
	// subjects: letters, digits, - and _. "dashwire" if empty. Snapshots are kept in
	// a second stream, named with "-snapshots" behind it.
	Stream string
	// Existing refuses to open, instead of making a stream, if there is none.
	Existing bool
	// Replicas is how many servers keep each log: 1, 3 or 5; 3 if zero.
	Replicas int
	// Monitors are the addresses (http://host:8222) of the monitoring ports of the
	// NATS servers, one for each. Open asks them whether writes are synced before
	// they are acknowledged, which cannot be seen from the connection.
	Monitors []string
	// SyncAlways says, instead of Monitors, that all servers run with
	// sync_interval: always.
	SyncAlways bool
	// Unsafe opens a journal on servers that could lose acknowledged edits: too few
	// replicas, writes not synced, memory storage. Durability is then told as it is.
	Unsafe bool

	// MarkFile is a file that tells the next Open what was seen of the stream, so that
	// it refuses one that was put back to an older state meanwhile (ErrRolledBack). It
	// is made if it is not there, and written every few seconds while edits come in;
	// each node has its own. Empty = only what happens while the journal is open is
	// noticed.
	MarkFile string

	// CredentialsFile is a file of NATS credentials (user JWT and seed); empty = none.
	// A user and password can be part of the address.
	CredentialsFile string
	// TLS is how to reach the servers by TLS; nil = as the address says.
	TLS *tls.Config
	// Name is what the servers show as the name of this connection; "dashwire" if
	// empty.
	Name string

	// KeepEntries bounds history by count: what lies before the newest KeepEntries
	// records of a log is trimmed. 0 sets no bound.
	KeepEntries int
	// KeepAge bounds history by age: what is older is trimmed. 0 sets no bound. With
	// both, a record goes as soon as either bound lets it go.
	//
	// Whatever the bounds, trimming ends at a snapshot, which is kept, and never
	// reaches into the newest 12,000 positions (M12).
	KeepAge time.Duration

	// Now is the clock for Record.Time; time.Now if nil.
	Now func() time.Time
	// Logger hears what was found at the start and what goes wrong later.
	// slog.Default() if nil.
	Logger *slog.Logger

	tune tuning
}

// tuning is what tests make small. Zero fields mean the defaults.
type tuning struct {
	patience     time.Duration // how long a call tries again while the servers refuse (5 s)
	answer       time.Duration // how long one request waits for its answer (2 s)
	ack          time.Duration // how long an append waits for its acknowledgement (5 s)
	idle         time.Duration // how long a log's tail is remembered unused (30 s)
	pulse        time.Duration // how often a quiet stream is asked to confirm something (5 s)
	look         time.Duration // how often the stream is looked at (30 s)
	trimInterval time.Duration // how often quiet logs are looked at for trimming (1 h)
	keepMark     time.Duration // how often the mark is written (5 s)
	chunk        int           // bytes of one part of a snapshot (1 MiB)
	batchBytes   int           // bytes that one read asks for (1 MiB)
	pageIDs      int           // ids on a page of the directory (256)
	keepAlways   int           // positions that are never trimmed (12,000)
}

var streamName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (o Options) validate() (Options, error) {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.Stream == "" {
		o.Stream = "dashwire"
	}
	if !streamName.MatchString(o.Stream) {
		wrong("Stream is %q; a name has 1 to 64 letters, digits, - and _", o.Stream)
	}
	switch o.Replicas {
	case 0:
		o.Replicas = 3
	case 1, 3, 5:
	default:
		wrong("Replicas is %d, want 1, 3 or 5", o.Replicas)
	}
	if o.KeepEntries < 0 {
		wrong("KeepEntries is %d, want 0 or more", o.KeepEntries)
	}
	if o.KeepAge < 0 {
		wrong("KeepAge is %s, want 0 or more", o.KeepAge)
	}
	if o.Name == "" {
		o.Name = "dashwire"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	t := &o.tune
	setDefault(&t.patience, 5*time.Second)
	setDefault(&t.answer, 2*time.Second)
	setDefault(&t.ack, 5*time.Second)
	setDefault(&t.idle, 30*time.Second)
	setDefault(&t.pulse, 5*time.Second)
	setDefault(&t.look, 30*time.Second)
	setDefault(&t.trimInterval, time.Hour)
	setDefault(&t.keepMark, 5*time.Second)
	setDefault(&t.chunk, 1<<20)
	setDefault(&t.batchBytes, 1<<20)
	setDefault(&t.pageIDs, 256)
	setDefault(&t.keepAlways, 12_000)
	if err := errors.Join(errs...); err != nil {
		return o, fmt.Errorf("natsjournal: %w", err)
	}
	return o, nil
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
