package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/auth/jwtauth"
)

// tokenCmd makes tokens for development.
type tokenCmd struct {
	User       string   `placeholder:"ID" help:"whose token it is"`
	Grant      []string `placeholder:"ID=ROLE,…" help:"roles on dashboards; * at the end of an id stands for any"`
	Admin      bool     `help:"may see statistics and use the admin interface"`
	Expires    span     `default:"1h" help:"time until it ends"`
	SecretFile string   `env:"DASHWIRE_JWT_SECRET_FILE" placeholder:"FILE" help:"the secret of the server (--jwt-secret-file there)"`
	NewSecret  bool     `help:"make that file, with a new secret"`
	Algorithm  string   `enum:"HS256,HS384,HS512" default:"HS256" help:"HS256, HS384 or HS512"`
	Issuer     string   `env:"DASHWIRE_JWT_ISSUER" placeholder:"NAME" help:"the claim iss, if the server asks for one"`
	Audience   []string `env:"DASHWIRE_JWT_AUDIENCE" placeholder:"NAME,…" help:"the claim aud, if the server asks for one"`
	UserClaim  string   `env:"DASHWIRE_JWT_USER_CLAIM" hidden:"" default:"sub" help:"the claim that holds the user's id"`
	Claim      string   `env:"DASHWIRE_JWT_CLAIM" hidden:"" default:"dashwire" help:"the claim that holds the roles"`
}

// Help implements kong.HelpProvider.
func (tokenCmd) Help() string {
	return `Prints a token that signs in to a server with the same secret. Whoever has the secret
can be anybody: keep it where only the server and you can read it.

dashwire token --secret-file F --user ana --grant 'ops=editor,team-*=viewer'`
}

// Run implements the command.
func (c *tokenCmd) Run(p *program) error {
	c.SecretFile, _, _ = strings.Cut(c.SecretFile, ",") // the variable of serve may name several
	switch {
	case c.SecretFile == "":
		return refuse("name the server's secret with --secret-file; with --new-secret the file is made")
	case c.User == "" && (!c.NewSecret || len(c.Grant) > 0 || c.Admin):
		return refuse("say whose token it is with --user")
	case c.Expires < span(time.Second):
		return refuse("--expires: a token lasts a second at least")
	}
	as := auth.Principal{UserID: c.User, Admin: c.Admin, TokenID: uuid.NewString()}
	for _, text := range c.Grant {
		pattern, role, ok := strings.Cut(text, "=")
		if !ok {
			return refuse("--grant: %q is no grant; write it like ops=editor or 'team-*=viewer'", text)
		}
		g, err := jwtauth.ParseGrant(pattern, role)
		if err != nil {
			return refuse("--grant: %w", err)
		}
		as.Grants = append(as.Grants, g)
	}
	if c.NewSecret {
		if err := newSecret(c.SecretFile); err != nil {
			return err
		}
		fmt.Fprintf(p.err, "A new secret is in %s; start the server with --jwt-secret-file %[1]s\n", c.SecretFile)
		if c.User == "" {
			return nil
		}
	}
	secret, err := jwtauth.ReadSecret(c.SecretFile)
	if errors.Is(err, fs.ErrNotExist) {
		return refuse("there is no secret %s; --new-secret makes one", c.SecretFile)
	}
	if err != nil {
		return &notBegun{err}
	}
	mint := jwtauth.Mint{
		Secret: secret, Algorithm: c.Algorithm, Issuer: c.Issuer, Audience: c.Audience,
		UserClaim: c.UserClaim, RightsClaim: c.Claim,
	}
	as.IssuedAt = time.Now()
	as.Expires = as.IssuedAt.Add(time.Duration(c.Expires))
	token, err := mint.Token(as)
	if err != nil {
		return &notBegun{err}
	}
	_, err = fmt.Fprintln(p.out, token)
	return err
}

// newSecret makes a file with a secret that is long enough for every algorithm and that
// only its owner can read. A file that is there stays as it is.
func newSecret(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return refuse("%s is there already, and another secret in it would end every token signed with it; name another file", path)
	}
	if err != nil {
		return &notBegun{err}
	}
	var random [48]byte
	_, _ = rand.Read(random[:]) // never fails, see its documentation
	_, err = fmt.Fprintln(f, hex.EncodeToString(random[:]))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		// Half a secret would be in the way of the next attempt.
		return fmt.Errorf("the secret could not be written: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}
