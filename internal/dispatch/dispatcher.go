package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/observe"
	"github.com/dashwire/dashwire/webhook"
)

// Config is what a Dispatcher works with. All but Grace and Hooks must be set.
type Config struct {
	Webhooks webhook.Config // valid
	Journal  journal.Journal
	Clock    clock.Clock
	// Jitter gives numbers from 0 up to 1. It may be called by several goroutines at once.
	Jitter func() float64
	// NewID makes a unique string, of characters that D2 allows.
	NewID func() string
	Log   *slog.Logger
	Hooks observe.Hooks
	// Grace is how long messages under way may take once Run ends; 0 = 2 s.
	Grace time.Duration
}

// rescanEvery is how often the list of dashboards is gone through without a reason.
const rescanEvery = 10 * time.Minute

// Dispatcher sends to all targets. Its methods may be called by any number of goroutines
// at once, before, during and after Run.
type Dispatcher struct {
	cfg    Config
	lanes  []*lane
	byName map[string]*lane
	ledger *ledger
	wants  map[webhook.EventType]bool

	mu sync.Mutex
	// announced are the open sessions that targets were told of.
	announced map[string]struct{}
}

// New makes a dispatcher. A target that is new begins here: what is committed after New
// has returned reaches it.
func New(ctx context.Context, cfg Config) (*Dispatcher, error) {
	if cfg.Grace == 0 {
		cfg.Grace = 2 * time.Second
	}
	d := &Dispatcher{
		cfg: cfg, byName: make(map[string]*lane), ledger: newLedger(cfg.Webhooks.Store),
		wants: make(map[webhook.EventType]bool), announced: make(map[string]struct{}),
	}
	known, err := d.registrations(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range cfg.Webhooks.Targets {
		reg, err := d.register(ctx, &t, known[t.Name])
		if err != nil {
			return nil, fmt.Errorf("beginning the webhook target %s: %w", t.Name, err)
		}
		l := newLane(d, t.WithDefaults(), reg)
		d.lanes = append(d.lanes, l)
		d.byName[t.Name] = l
		for _, e := range []webhook.EventType{webhook.Committed, webhook.Conflict, webhook.Connected, webhook.Disconnected} {
			d.wants[e] = d.wants[e] || t.Gets(e)
		}
	}
	return d, nil
}

// Run sends until ctx ends. Messages under way may still be answered, for Grace or until
// now ends; then Run returns, once every goroutine has ended and the store has all.
func (d *Dispatcher) Run(ctx, now context.Context) {
	var lanes sync.WaitGroup
	for _, l := range d.lanes {
		lanes.Go(func() { l.run(ctx, now) })
	}
	keeping, stop := context.WithCancel(context.Background())
	var others sync.WaitGroup
	others.Go(func() { d.keep(keeping) })
	others.Go(func() {
		for d.sleep(keeping, rescanEvery) {
			d.Heard("", 0)
		}
	})
	lanes.Wait()
	stop()
	others.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.cfg.Grace)
	defer cancel()
	if err := d.ledger.flush(last); err != nil {
		d.cfg.Log.Error("webhook: what was sent last could not be noted; it is sent again after the next start", "err", err)
	}
}

// keep stores cursors, many at once.
func (d *Dispatcher) keep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.ledger.wake:
		}
		d.sleep(ctx, flushEvery)
		for ctx.Err() == nil {
			err := d.ledger.flush(ctx)
			if err == nil {
				d.wakeAll()
				break
			}
			if ctx.Err() == nil {
				d.report(fmt.Errorf("webhook: the store takes nothing, so nothing more is sent than fits in memory: %w", err))
			}
			d.sleep(ctx, 5*time.Second)
		}
	}
}

// sleep waits for a time; false if ctx ended before.
func (d *Dispatcher) sleep(ctx context.Context, t time.Duration) bool {
	over := make(chan struct{})
	timer := d.cfg.Clock.AfterFunc(t, func() { close(over) })
	defer timer.Stop()
	select {
	case <-over:
		return true
	case <-ctx.Done():
		return false
	}
}

func (d *Dispatcher) wakeAll() {
	for _, l := range d.lanes {
		l.poke()
	}
}

func (d *Dispatcher) report(err error) {
	d.cfg.Log.Error("webhook", "err", err)
	if f := d.cfg.Hooks.Error; f != nil {
		f(err, "")
	}
}

// Heard notes that a dashboard's log has reached a position; with "", that any log may
// have moved. It never blocks.
func (d *Dispatcher) Heard(dashboardID string, _ journal.Position) {
	for _, l := range d.lanes {
		if !l.target.Gets(webhook.Committed) {
			continue
		}
		if dashboardID == "" {
			l.hearAll()
		} else if l.target.Wants(dashboardID) {
			l.hear(dashboardID)
		}
	}
}

// Listen gives the hooks from which the best-effort events are made.
func (d *Dispatcher) Listen() observe.Hooks {
	var h observe.Hooks
	if d.wants[webhook.Conflict] {
		h.Conflict = func(c *board.Conflict) {
			d.tell(webhook.Conflict, c.DashboardID, func(id string, at time.Time) event { return conflictEvent(c, id, at) })
		}
	}
	if d.wants[webhook.Connected] || d.wants[webhook.Disconnected] {
		h.Connect, h.Disconnect = d.connected, d.disconnected
	}
	return h
}

// connected tells of a session once its user and client are known.
func (d *Dispatcher) connected(s observe.Session) {
	if s.UserID == "" || s.ClientID == "" {
		return
	}
	d.mu.Lock()
	_, told := d.announced[s.ID]
	d.announced[s.ID] = struct{}{}
	d.mu.Unlock()
	if !told {
		d.tell(webhook.Connected, "", func(id string, at time.Time) event { return sessionEvent(webhook.Connected, s, 0, id, at) })
	}
}

func (d *Dispatcher) disconnected(s observe.Session, code int, _ string) {
	d.mu.Lock()
	_, told := d.announced[s.ID]
	delete(d.announced, s.ID)
	d.mu.Unlock()
	if told {
		d.tell(webhook.Disconnected, "", func(id string, at time.Time) event { return sessionEvent(webhook.Disconnected, s, code, id, at) })
	}
}

// tell hands a best-effort event to each target that gets such.
func (d *Dispatcher) tell(kind webhook.EventType, dashboardID string, make func(id string, at time.Time) event) {
	var e *event
	for _, l := range d.lanes {
		if !l.target.Gets(kind) || dashboardID != "" && !l.target.Wants(dashboardID) {
			continue
		}
		if e == nil {
			made := make(d.cfg.NewID(), d.cfg.Clock.Now())
			e = &made
		}
		l.offer(*e)
	}
}

func (d *Dispatcher) lane(name string) (*lane, error) {
	l, ok := d.byName[name]
	if !ok {
		return nil, webhook.ErrNoTarget
	}
	return l, nil
}
