package main

import (
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/dashwire/dashwire/internal/freeport"
)

// notYet is what the log says while NATS is away at the start.
const notYet = "NATS does not answer yet"

// oneNATS starts one NATS server.
func oneNATS(t *testing.T, o server.Options) *server.Server {
	t.Helper()
	o.Host, o.JetStream, o.StoreDir, o.SyncAlways = "127.0.0.1", true, t.TempDir(), true
	o.MaxPayload, o.NoSigs, o.NoLog = 8<<20, true, true
	s, err := server.NewServer(&o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(patience) {
		t.Fatal("the NATS server does not start")
	}
	return s
}

func serveOn(t *testing.T, address string, more ...string) *process {
	t.Helper()
	flags := []string{"serve", "--listen", "127.0.0.1:0", "--nats", address, "--nats-replicas", "1", "--nats-sync-always"}
	return start(t, command(t, t.TempDir(), append(flags, more...)...))
}

func TestServe_WaitsForNATS(t *testing.T) {
	port := freeport.Take(t, 1)[0]
	p := serveOn(t, fmt.Sprint("nats://127.0.0.1:", port))
	until(t, "it says that NATS is away", func() bool { return strings.Contains(p.errs.String(), notYet) })
	oneNATS(t, server.Options{Port: port})
	p.wait(readyLine)
	until(t, "it says that NATS has come", func() bool { return strings.Contains(p.errs.String(), "NATS answers") })
	p.stop()
}

func TestServe_StopsWhileItWaitsForNATS(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	away := freeport.Addresses(t, 1)[0]
	for _, tt := range []struct {
		name, address string
		told          bool // that NATS is away
		waiting       func(p *process)
	}{
		{"between two attempts", away, true, func(p *process) {
			until(t, "it waits", func() bool { return strings.Contains(p.errs.String(), notYet) })
		}},
		{"in an attempt", silent.Addr().String(), false, func(*process) {
			conn, err := silent.Accept()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := serveOn(t, "nats://"+tt.address)
			tt.waiting(p)
			p.signal(syscall.SIGTERM)
			_, code := p.end()
			if said := p.errs.String(); code != 1 || !strings.Contains(said, "stopped before the end") || strings.Contains(said, notYet) != tt.told {
				t.Errorf("exit code %d: %s", code, said)
			}
		})
	}
}

func TestServe_DoesNotWaitForNATSThatRefusesIt(t *testing.T) {
	s := oneNATS(t, server.Options{Port: server.RANDOM_PORT, Username: "ops", Password: "right"})
	address := strings.TrimPrefix(s.ClientURL(), "nats://")
	address = address[strings.LastIndexByte(address, '@')+1:]
	for _, tt := range []struct {
		name, address string
		more          []string
		want          string
	}{
		{"another password", "nats://ops:wrong@" + address, nil, "Authorization Violation"},
		{"no file of credentials", "nats://" + address, []string{"--nats-creds", "none.creds"}, "none.creds"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := serveOn(t, tt.address, tt.more...)
			_, code := p.end()
			if said := p.errs.String(); code != 2 || strings.Contains(said, notYet) || !strings.Contains(said, tt.want) {
				t.Errorf("exit code %d: %s", code, said)
			}
		})
	}
}
