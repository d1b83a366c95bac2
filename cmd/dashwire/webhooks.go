package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/webhook"
)

// webhooksCmd shows operators how webhooks do.
type webhooksCmd struct {
	Target    string `arg:"" optional:"" help:"the target whose dead letters are listed (default all targets)"`
	Show      string `placeholder:"ID" help:"print one dead letter with what it would have told"`
	Retry     string `placeholder:"ID" help:"send a dead letter again, or all of them: --retry all"`
	Drop      string `placeholder:"ID" help:"forget a dead letter"`
	Enable    bool   `help:"send again to a target that answered 410, and at once what waits"`
	NewSecret bool   `help:"print a new secret for the file of targets, and no more"`
	Server    string `placeholder:"URL" help:"a running server (default the one on this machine)"`
	Token     string `placeholder:"TOKEN" help:"an operator's, if the server asks"`
	Listen    string `hidden:"" default:"127.0.0.1:3000"`
}

// Help implements kong.HelpProvider.
func (webhooksCmd) Help() string {
	return `Tells how the webhook targets of a running server do, and what they could not be told.

dashwire webhooks audit --retry all`
}

// Run implements the command.
func (c *webhooksCmd) Run(p *program) error {
	if c.NewSecret {
		_, err := fmt.Fprintln(p.out, webhook.NewSecret())
		return err
	}
	wanted := 0
	for _, is := range []bool{c.Show != "", c.Retry != "", c.Drop != "", c.Enable} {
		if is {
			wanted++
		}
	}
	switch {
	case wanted > 1:
		return refuse("pass one of --show, --retry, --drop and --enable")
	case wanted == 1 && c.Target == "":
		return refuse("name the target: dashwire webhooks TARGET …; without one the targets are listed")
	}
	flags := targetFlags{Token: c.Token}
	if c.Server == "" {
		c.Server = "http://" + hereFrom(c.Listen)
	}
	t, err := flags.server(c.Server)
	if err != nil {
		return err
	}
	at := "/api/admin/webhooks/" + url.PathEscape(c.Target)
	switch {
	case c.Target == "":
		return c.list(p, t)
	case c.Enable:
		return c.post(p, t, at+"/enable", fmt.Sprintf("%s gets what waits for it.", c.Target))
	case c.Retry == "all":
		return c.post(p, t, at+"/dead/retry", "All dead letters are sent again; dashwire webhooks "+c.Target+" shows what is left.")
	case c.Retry != "":
		return c.post(p, t, at+"/dead/"+url.PathEscape(c.Retry)+"/retry", c.Retry+" is sent again; dashwire webhooks "+c.Target+" shows what is left.")
	case c.Drop != "":
		res, err := t.do(p.ctx, http.MethodDelete, at+"/dead/"+url.PathEscape(c.Drop), nil, nil, nil)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.out, "%s is forgotten.\n", c.Drop)
		return joinClose(err, res)
	case c.Show != "":
		var letter jsontext.RawValue
		if err := t.get(p.ctx, at+"/dead/"+url.PathEscape(c.Show), nil, &letter); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.out, "%s\n", letter)
		return err
	}
	return c.dead(p, t, at+"/dead")
}

func joinClose(err error, res *http.Response) error {
	if e := res.Body.Close(); err == nil {
		err = e
	}
	return err
}

func (c *webhooksCmd) post(p *program, t *target, path, done string) error {
	res, err := t.do(p.ctx, http.MethodPost, path, nil, nil, nil)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, done)
	return joinClose(err, res)
}

// list prints the targets.
func (c *webhooksCmd) list(p *program, t *target) error {
	var answer struct {
		Targets []struct {
			Name        string     `json:"name"`
			Host        string     `json:"host"`
			Status      string     `json:"status"`
			Behind      int        `json:"behind"`
			Oldest      *time.Time `json:"oldest"`
			Dead        int        `json:"dead"`
			LastFailure *struct {
				Error string `json:"error"`
			} `json:"lastFailure"`
		} `json:"targets"`
	}
	if err := t.get(p.ctx, "/api/admin/webhooks", nil, &answer); err != nil {
		return err
	}
	if len(answer.Targets) == 0 {
		_, err := fmt.Fprintf(p.out, "%s has no webhook targets: start it with --webhooks FILE.\n", t.name)
		return err
	}
	out := table{heads: []string{"target", "host", "status", ">behind", ">since", ">dead", "last failure"}}
	for _, x := range answer.Targets {
		since, failure := "", ""
		if x.Oldest != nil {
			since = time.Since(*x.Oldest).Round(time.Second).String()
		}
		if x.LastFailure != nil {
			failure = x.LastFailure.Error
		}
		out.add(x.Name, x.Host, x.Status, number(x.Behind), since, number(x.Dead), failure)
	}
	out.print(p.out)
	return nil
}

// dead prints the dead letters of a target.
func (c *webhooksCmd) dead(p *program, t *target, path string) error {
	out := table{heads: []string{"message", "dashboard", "versions", ">attempts", "last attempt", "error"}}
	query := url.Values{"limit": {"200"}}
	for {
		var page struct {
			Letters []struct {
				ID          string    `json:"id"`
				DashboardID string    `json:"dashboardId"`
				After       uint64    `json:"after"`
				Version     uint64    `json:"version"`
				Attempts    int       `json:"attempts"`
				LastAttempt time.Time `json:"lastAttempt"`
				Error       string    `json:"error"`
			} `json:"letters"`
			Next *int64 `json:"next"`
		}
		if err := t.get(p.ctx, path, query, &page); err != nil {
			return err
		}
		for _, d := range page.Letters {
			versions := fmt.Sprint(d.Version)
			if d.After+1 < d.Version {
				versions = fmt.Sprintf("%d–%d", d.After+1, d.Version)
			}
			out.add(d.ID, d.DashboardID, versions, number(d.Attempts),
				d.LastAttempt.Local().Format(time.DateTime), d.Error)
		}
		if page.Next == nil {
			break
		}
		query.Set("after", strconv.FormatInt(*page.Next, 10))
	}
	if len(out.rows) == 0 {
		_, err := fmt.Fprintf(p.out, "%s has no dead letters.\n", c.Target)
		return err
	}
	out.print(p.out)
	return nil
}
