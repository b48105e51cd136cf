package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
)

// askTimeout bounds a request to the hub: it answers when what was asked for is durable.
const askTimeout = 30 * time.Second

// agentCommand groups the commands that change what a running hub knows of agents.
func agentCommand() *cobra.Command {
	var hub remote
	c := &cobra.Command{Use: "agent", Short: "help.agent", Long: "help.agent.long"}
	hub.flags(c)
	c.AddCommand(rekeyCommand(&hub))
	return c
}

// rekeyCommand has the hub take another key of an agent.
func rekeyCommand(hub *remote) *cobra.Command {
	var in hubapi.Rekey
	c := &cobra.Command{
		Use: "rekey SITE/AGENT", Short: "help.rekey", Long: "help.rekey.long", Args: cobra.ExactArgs(1),
		Example: "  lanehub agent rekey emerson-east/lane-4 --hub https://hub.example:8490 --token-file /etc/lanewarden/admin.token",
		RunE: func(cmd *cobra.Command, args []string) error {
			var found bool
			if in.Site, in.Agent, found = strings.Cut(args[0], "/"); !found || in.Site == "" || in.Agent == "" {
				return cli.Usagef("lanehub.agent-name", message.Quoted("name", args[0]))
			}
			client, err := hub.client()
			if err != nil {
				return err
			}
			if _, err := hubapi.RekeyAgent.Do(cmd.Context(), client, in); err != nil {
				return err
			}
			said := "lanehub.rekeyed"
			if in.Key != "" {
				said = "lanehub.rekeyed-to"
			}
			cli.Print(cmd).Say(said, message.String("site", in.Site), message.String("agent", in.Agent))
			return nil
		},
	}
	c.Flags().StringVar(&in.Key, "key", "", "help.flag.rekey")
	return c
}

// remote is a hub as the commands reach it.
type remote struct {
	url       string
	tokenFile string // "" for a hub without tokens
	caFile    string // PEM; "" for the system's certificates
}

// flags adds the flags that say which hub, and with what one may ask it.
func (h *remote) flags(c *cobra.Command) {
	f := c.PersistentFlags()
	f.StringVar(&h.url, "hub", "http://127.0.0.1:8490", "help.flag.hub")
	f.StringVar(&h.tokenFile, "token-file", "", "help.flag.hub-token")
	f.StringVar(&h.caFile, "ca", "", "help.flag.hub-ca")
}

// client returns a client that shows the token.
func (h remote) client() (*api.Client, error) {
	config := &tls.Config{}
	if h.caFile != "" {
		text, err := os.ReadFile(h.caFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, message.Errorf("api.no-certificate", message.String("file", h.caFile))
		}
	}
	shown := &bearer{next: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: config}}
	if h.tokenFile != "" {
		text, err := os.ReadFile(h.tokenFile)
		if err != nil {
			return nil, err
		}
		shown.token = strings.TrimSpace(string(text))
	}
	return &api.Client{Base: strings.TrimSuffix(h.url, "/"), HTTP: &http.Client{
		Timeout: askTimeout, Transport: shown,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// bearer shows a token with each request (RFC 6750), "" none.
type bearer struct {
	token string
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b *bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.token != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.next.RoundTrip(r)
}
