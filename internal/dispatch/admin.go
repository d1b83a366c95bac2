package dispatch

import (
	"context"
	"net/url"
	"time"

	"github.com/dashwire/dashwire/webhook"
)

// States tells how the targets do, in the order of the settings.
func (d *Dispatcher) States(ctx context.Context) ([]webhook.State, error) {
	all := make([]webhook.State, 0, len(d.lanes))
	for _, l := range d.lanes {
		s, err := l.stateNow(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (l *lane) stateNow(ctx context.Context) (webhook.State, error) {
	store := l.d.cfg.Webhooks.Store
	waiting, oldest, err := store.Waiting(ctx, l.target.Name)
	if err != nil {
		return webhook.State{}, err
	}
	dead, err := store.CountDead(ctx, l.target.Name)
	if err != nil {
		return webhook.State{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.state
	s.Name, s.Dashboards, s.Events, s.Dead = l.target.Name, l.target.Dashboards, l.target.Events, dead
	if len(s.Events) == 0 {
		s.Events = []webhook.EventType{webhook.Committed}
	}
	if u, err := url.Parse(l.target.URL); err == nil {
		s.Host = u.Scheme + "://" + u.Host
	}
	s.Behind, s.Oldest = waiting+len(l.due), oldest
	for _, at := range l.due {
		if s.Oldest.IsZero() || at.Before(s.Oldest) {
			s.Oldest = at
		}
	}
	switch {
	case !l.reg.Disabled.IsZero():
		s.Status = "disabled"
	case l.isFailing:
		s.Status = "failing"
	default:
		s.Status = "active"
	}
	return s, nil
}

// Enable lets a target that was disabled, or that is only probed, have everything that
// waits now.
func (d *Dispatcher) Enable(ctx context.Context, target string) error {
	l, err := d.lane(target)
	if err != nil {
		return err
	}
	l.mu.Lock()
	reg := l.reg
	reg.Disabled = time.Time{}
	l.mu.Unlock()
	if err := d.cfg.Webhooks.Store.Register(ctx, reg); err != nil {
		return err
	}
	l.mu.Lock()
	l.reg.Disabled, l.hasten, l.rescan = time.Time{}, true, l.target.Gets(webhook.Committed)
	l.mu.Unlock()
	l.poke()
	return nil
}

// Dead lists dead letters after a number, without their bodies.
func (d *Dispatcher) Dead(ctx context.Context, target string, after int64, limit int) ([]webhook.DeadLetter, error) {
	if _, err := d.lane(target); err != nil {
		return nil, err
	}
	return d.cfg.Webhooks.Store.Dead(ctx, target, after, limit)
}

// DeadLetter returns one with its body; false if there is none.
func (d *Dispatcher) DeadLetter(ctx context.Context, target, id string) (webhook.DeadLetter, bool, error) {
	if _, err := d.lane(target); err != nil {
		return webhook.DeadLetter{}, false, err
	}
	return d.cfg.Webhooks.Store.DeadLetter(ctx, target, id)
}

// RetryDead has one dead letter sent again, or all with "", and tells how many.
func (d *Dispatcher) RetryDead(ctx context.Context, target, id string) (int, error) {
	l, err := d.lane(target)
	if err != nil {
		return 0, err
	}
	n, err := d.cfg.Webhooks.Store.RequestRetry(ctx, target, id)
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	l.letters = true
	l.mu.Unlock()
	l.poke()
	return n, nil
}

// DropDead removes a dead letter; false if there is none.
func (d *Dispatcher) DropDead(ctx context.Context, target, id string) (bool, error) {
	if _, err := d.lane(target); err != nil {
		return false, err
	}
	return d.cfg.Webhooks.Store.DeleteDead(ctx, target, id)
}
