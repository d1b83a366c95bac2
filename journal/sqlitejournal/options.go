package sqlitejournal

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/dashwire/dashwire/internal/commitlog"
)

// keepAlways is how many of the newest positions retention never trims: what the
// horizon of rule M12 reaches back to, and one snapshot more.
const keepAlways = 12_000

// Options of a Journal; the zero value is ready to use and keeps everything.
type Options struct {
	// Now is the clock for Record.Time, read once per commit; time.Now if nil. Times
	// are kept to the millisecond and never go back.
	Now func() time.Time
	// Logger hears of what an operator should know: a failed disk, a damaged
	// snapshot, a file recovered. slog.Default() if nil.
	Logger *slog.Logger
	// KeepEntries bounds history by count: what lies before the newest KeepEntries
	// records of a log is trimmed. 0 sets no bound.
	KeepEntries int
	// KeepAge bounds history by age: what is older is trimmed. 0 sets no bound. With
	// both, a record goes as soon as either bound lets it go.
	//
	// Whatever the bounds, trimming ends at a snapshot, which is kept, and never
	// reaches into the newest 12,000 positions (M12).
	KeepAge time.Duration

	// CacheBytes bounds what is held in memory: half as much before it is spread into tables,
	// and SQLite's cache of the connection that writes, which is no part of the Go heap and
	// no more than 2 MiB. 0 = 16 MiB, else at least 1 MiB.
	CacheBytes int

	tune tuning
}

// tuning is what tests make small. Zero fields mean the defaults.
type tuning struct {
	spreadBytes  int // unspread bytes at which spreading begins (half of CacheBytes)
	spreadRows   int // records spread in one transaction (1,024)
	releaseBytes int // of the commit log, given free at once (2 MiB)
	log          commitlog.Options
	idle         time.Duration // quiet time after which everything is spread (250 ms)
	walPages     int           // pages in the WAL at which it is checkpointed (2,000)
	keepAlways   int           // positions that are never trimmed (12,000)
	trimInterval time.Duration // how often quiet logs are looked at for trimming (10 min)
}

// spreadSlack times spreadBytes is the bound of what is held unspread: beyond it
// appends wait for the spreading.
const spreadSlack = 2

// groupBytes and groupAppends bound one group commit.
const (
	groupBytes   = 8 << 20
	groupAppends = 4096
)

func (o Options) validate() (Options, error) {
	if o.KeepEntries < 0 {
		return o, fmt.Errorf("sqlitejournal: KeepEntries is %d, want 0 or more", o.KeepEntries)
	}
	if o.KeepAge < 0 {
		return o, fmt.Errorf("sqlitejournal: KeepAge is %s, want 0 or more", o.KeepAge)
	}
	if o.CacheBytes < 0 {
		return o, fmt.Errorf("sqlitejournal: CacheBytes is %d, want 0 or more", o.CacheBytes)
	}
	setDefault(&o.CacheBytes, 16<<20)
	o.CacheBytes = max(o.CacheBytes, 1<<20)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	t := &o.tune
	setDefault(&t.spreadBytes, o.CacheBytes/2)
	setDefault(&t.spreadRows, 1024)
	setDefault(&t.releaseBytes, 2<<20)
	setDefault(&t.idle, 250*time.Millisecond)
	setDefault(&t.walPages, 2000)
	setDefault(&t.keepAlways, keepAlways)
	setDefault(&t.trimInterval, 10*time.Minute)
	return o, nil
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
