package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"
)

// fault is one thing that goes wrong, and how it is made good. Neither waits long.
type fault struct {
	name       string
	begin, end func()
}

// clockJumps are how far a node's clock is set forward and back.
var clockJumps = []time.Duration{
	2 * time.Second, -2 * time.Second, 40 * time.Second, -40 * time.Second,
	10 * time.Minute, -10 * time.Minute, 25 * time.Hour, -25 * time.Hour,
}

// draw gives one of what can go wrong at the moment: drawn from rng alone, so that a seed
// gives the same row of them.
func (c *cluster) draw(rng *rand.Rand) fault {
	i, k := rng.IntN(members), rng.IntN(members-1)
	if k >= i {
		k++
	}
	nats, node := c.nats[i], c.nodes[i]
	again := func(p *process) func() {
		return func() {
			if err := p.start(); err != nil {
				c.t.Error(err)
			}
		}
	}
	pause := func(p *process) (begin, end func()) {
		return func() { p.signal(syscall.SIGSTOP) }, func() { p.signal(syscall.SIGCONT) }
	}
	links := func(name string, delay time.Duration, to, from bool) fault {
		set := func(delay time.Duration, to, from bool) func() {
			return func() {
				for _, l := range c.links[i] {
					l.set(delay, to, from)
				}
			}
		}
		return fault{fmt.Sprintf("%s: %s", node.name, name), set(delay, to, from), set(0, false, false)}
	}
	// What is held is lost at the end, with the connections: what was sent has never
	// arrived, or the answers to what was done.
	lose := func(name string, to, from bool) fault {
		f := links(name+", and is lost", 0, to, from)
		release := f.end
		f.end = func() {
			for _, l := range c.links[i] {
				l.cut()
			}
			release()
		}
		return f
	}
	dies := func(p *process) fault {
		return fault{p.name + " is stopped, then killed", func() { p.signal(syscall.SIGSTOP) }, func() { p.kill(); again(p)() }}
	}
	drop := func(p *process, name string, rules ...string) fault {
		set := func(rules ...string) func() {
			return func() {
				if err := p.host.filter(rules...); err != nil {
					c.t.Error(err)
				}
			}
		}
		return fault{fmt.Sprintf("%s: %s", p.name, name), set(rules...), set()}
	}
	peer := func(direction string, of *process) string {
		word := map[string]string{"in": "saddr", "out": "daddr"}[direction]
		return fmt.Sprintf("%s ip %s %s", direction, word, of.host.ip)
	}
	list := []func() fault{
		func() fault { return fault{nats.name + " is killed", nats.kill, again(nats)} },
		func() fault { return fault{node.name + " is killed", node.kill, again(node)} },
		func() fault { b, e := pause(nats); return fault{nats.name + " is stopped", b, e} },
		func() fault { b, e := pause(node); return fault{node.name + " is stopped", b, e} },
		func() fault {
			return fault{nats.name + " and " + c.nats[k].name + " are killed", func() { nats.kill(); c.nats[k].kill() }, func() { again(nats)(); again(c.nats[k])() }}
		},
		func() fault { return links("200 ms to NATS", 200*time.Millisecond, false, false) },
		func() fault { return links("nothing reaches NATS", 0, true, false) },
		func() fault { return links("nothing comes from NATS", 0, false, true) },
		func() fault { return links("no NATS", 0, true, true) },
		func() fault { return lose("nothing reaches NATS", true, false) },
		func() fault { return lose("nothing comes from NATS", false, true) },
		func() fault { return dies(nats) },
		func() fault { return dies(node) },
		func() fault {
			off := clockJumps[rng.IntN(len(clockJumps))]
			return fault{fmt.Sprintf("%s: its clock jumps by %s and back", node.name, off), func() { c.clocks[i].move(off) }, func() { c.clocks[i].move(0) }}
		},
		func() fault {
			return fault{node.name + ": connections to NATS break", func() {
				for _, l := range c.links[i] {
					l.cut()
				}
			}, func() {}}
		},
	}
	if c.network.isolated() {
		other, third := c.nats[k], c.nats[members-i-k]
		list = append(list,
			func() fault {
				return drop(nats, "without the other NATS servers", peer("in", other), peer("in", third))
			},
			func() fault {
				return drop(nats, "hears no other NATS server", "in tcp dport 6222", "in tcp sport 6222")
			},
			func() fault {
				return drop(nats, "no other NATS server hears it", peer("out", other), peer("out", third))
			},
			func() fault {
				return drop(nats, "and "+other.name+" hear nothing of each other", peer("in", other), peer("out", other))
			},
			func() fault { return drop(nats, "is cut off", "in ip version 4", "out ip version 4") },
			func() fault { return drop(nats, "loses 5 % of packets", "in numgen random mod 100 < 5") },
			func() fault { return drop(node, "is cut off", "in ip version 4", "out ip version 4") },
			func() fault {
				return drop(node, "loses 5 % of packets", "in numgen random mod 100 < 5", "out numgen random mod 100 < 5")
			},
			func() fault { return drop(node, "hears nobody", "in ip version 4") },
			func() fault { return drop(node, "nobody hears it", "out ip version 4") },
		)
	}
	return list[rng.IntN(len(list))]()
}

// torment does faults until the time is over, up to two at once, and makes all good.
func (c *cluster) torment(ctx context.Context, rng *rand.Rand, d time.Duration) int {
	const atOnce = 2
	type running struct {
		fault
		until time.Time
	}
	began, end := time.Now(), time.Now().Add(d)
	var now []running
	n := 0
	for time.Now().Before(end) && ctx.Err() == nil {
		if len(now) < atOnce {
			f := c.draw(rng)
			last := time.Duration(500+rng.IntN(4500)) * time.Millisecond
			if rng.IntN(6) == 0 {
				last *= 2 // longer than an append waits for its answer
			}
			n++
			c.t.Logf("%6.1f s: %s for %s", time.Since(began).Seconds(), f.name, last)
			f.begin()
			now = append(now, running{f, time.Now().Add(last)})
		}
		wait(ctx, time.Duration(200+rng.IntN(1500))*time.Millisecond)
		for _, p := range c.nodes {
			if err := p.restart(); err != nil {
				c.t.Error(err)
			}
		}
		kept := now[:0]
		for _, r := range now {
			if time.Now().Before(r.until) {
				kept = append(kept, r)
			} else {
				r.end()
			}
		}
		now = kept
	}
	for _, r := range now {
		r.end()
	}
	c.heal()
	return n
}

// heal makes everything good, whatever was done.
func (c *cluster) heal() {
	for i := range members {
		for _, l := range c.links[i] {
			l.set(0, false, false)
		}
		c.clocks[i].move(0)
		for _, p := range []*process{c.nats[i], c.nodes[i]} {
			if c.network.isolated() {
				if err := p.host.filter(); err != nil {
					c.t.Error(err)
				}
			}
			p.signal(syscall.SIGCONT)
			if err := p.start(); err != nil {
				c.t.Error(err)
			}
		}
	}
}
