// Package signon lets persons sign in at the hub whom an OpenID Connect provider knows (OpenID Connect Core 1.0,
// authorization code flow with PKCE, RFC 7636). What they are at the hub follows from a claim of the provider.
// docs/access.md, "Single sign-on".
package signon

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"lanewarden/drivers/message"
	firmwareconfig "lanewarden/firmware-config"
	"lanewarden/sync/hub/people"
)

// Settings is the file that --oidc names (YAML, strict).
type Settings struct {
	Issuer      string   `yaml:"issuer" required:"true"`    // https://login.example/realms/customs
	ClientID    string   `yaml:"client_id" required:"true"` // as which the provider knows the hub
	SecretFile  string   `yaml:"secret_file"`               // its secret with the provider; "" for a public client
	URL         string   `yaml:"url" required:"true"`       // of the hub in browsers: https://hub.example:8490
	CAFile      string   `yaml:"ca_file"`                   // authority (PEM) of its certificate; "" for the machine's
	Claim       string   `yaml:"claim" default:"groups"`    // what says which roles a person has: a text or a list
	NameClaim   string   `yaml:"name_claim" default:"preferred_username"`
	Roles       []Rule   `yaml:"roles" required:"true"`
	ExtraScopes []string `yaml:"scopes"` // asked for beside openid and profile
}

// Rule gives roles to those whose claim has a value.
type Rule struct {
	Value string   `yaml:"value" required:"true"`
	Roles []string `yaml:"roles" required:"true"`
	Sites []string `yaml:"sites"` // none for all
}

// Back is the path to which the provider sends browsers back.
const Back = "/v1/sign-on/back"

// answerWithin bounds each question to the provider.
const answerWithin = 10 * time.Second

// Provider is a provider of identities. It is asked for its configuration when somebody signs in first, so that one that
// is away keeps neither the hub nor its own accounts from working. It may be used by many goroutines.
type Provider struct {
	settings Settings
	client   *http.Client
	secret   string

	mu    sync.Mutex
	known *oidc.Provider // nil before it answered
}

// Open reads a file of settings. Errors say what is wrong, in both languages.
func Open(path string) (*Provider, error) {
	var settings Settings
	if err := firmwareconfig.ReadFile(path, &settings); err != nil {
		return nil, err
	}
	p := &Provider{settings: settings, client: &http.Client{Timeout: answerWithin}}
	for _, rule := range p.settings.Roles {
		if err := p.person("x", rule).Check(); err != nil {
			return nil, message.Wrap(err, "signon.rule", message.String("file", path),
				message.Quoted("value", rule.Value))
		}
	}
	if p.settings.SecretFile != "" {
		text, err := os.ReadFile(p.settings.SecretFile)
		if err != nil {
			return nil, err
		}
		p.secret = strings.TrimSpace(string(text))
	}
	return p, p.trust()
}

// provider returns the provider's configuration, which is fetched until it is there.
func (p *Provider) provider(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	// Keys are fetched later too, with this client: not bound to the request that asks first.
	asking, cancel := context.WithTimeout(oidc.ClientContext(context.WithoutCancel(ctx), p.client), answerWithin)
	defer cancel()
	known, err := oidc.NewProvider(asking, p.settings.Issuer)
	if err != nil {
		return nil, message.Wrap(err, "signon.away", message.String("issuer", p.settings.Issuer))
	}
	p.known = known
	return known, nil
}

func (p *Provider) config(known *oidc.Provider) oauth2.Config {
	return oauth2.Config{
		ClientID: p.settings.ClientID, ClientSecret: p.secret, Endpoint: known.Endpoint(),
		RedirectURL: strings.TrimSuffix(p.settings.URL, "/") + Back,
		Scopes:      append([]string{oidc.ScopeOpenID, "profile"}, p.settings.ExtraScopes...),
	}
}

// Attempt is what a browser's session keeps while its user is with the provider.
type Attempt struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"` // of PKCE
}

// Begin returns where a browser is to go, with what its session has to keep until it is back. state and nonce are random
// texts. An error is that the provider does not answer.
func (p *Provider) Begin(ctx context.Context, state, nonce string) (url string, a Attempt, err error) {
	known, err := p.provider(ctx)
	if err != nil {
		return "", a, err
	}
	a = Attempt{State: state, Nonce: nonce, Verifier: oauth2.GenerateVerifier()}
	config := p.config(known)
	return config.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), a, nil
}

// Finish asks the provider who came back with a code. An error says why nobody is signed in.
func (p *Provider) Finish(ctx context.Context, a Attempt, code string) (people.Person, error) {
	known, err := p.provider(ctx)
	if err != nil {
		return people.Person{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.client), answerWithin)
	defer cancel()
	config := p.config(known)
	token, err := config.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return people.Person{}, message.Wrap(err, "signon.refused")
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := known.Verifier(&oidc.Config{ClientID: p.settings.ClientID}).Verify(ctx, raw)
	if err != nil {
		return people.Person{}, message.Wrap(err, "signon.refused")
	}
	if id.Nonce != a.Nonce {
		return people.Person{}, message.Errorf("signon.nonce")
	}
	claims, err := p.claims(ctx, known, token, id)
	if err != nil {
		return people.Person{}, err
	}
	return p.personOf(claims)
}

// claims returns what the provider says of a person: in the token, and what it keeps for who asks.
func (p *Provider) claims(ctx context.Context, known *oidc.Provider, token *oauth2.Token, id *oidc.IDToken) (
	claims map[string]json.RawMessage, err error,
) {
	claims = map[string]json.RawMessage{}
	if err := id.Claims(&claims); err != nil {
		return nil, message.Wrap(err, "signon.refused")
	}
	if claims[p.settings.Claim] != nil && claims[p.settings.NameClaim] != nil || known.UserInfoEndpoint() == "" {
		return claims, nil
	}
	info, err := known.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, message.Wrap(err, "signon.refused")
	}
	more := map[string]json.RawMessage{}
	if err := info.Claims(&more); err != nil || info.Subject != id.Subject {
		return nil, message.Wrap(err, "signon.refused")
	}
	for name, value := range more {
		if claims[name] == nil {
			claims[name] = value
		}
	}
	return claims, nil
}

// personOf returns who a person is at the hub. One without a role is nobody here.
func (p *Provider) personOf(claims map[string]json.RawMessage) (who people.Person, err error) {
	var name string
	if json.Unmarshal(claims[p.settings.NameClaim], &name) != nil || name == "" {
		return who, message.Errorf("signon.no-name", message.String("claim", p.settings.NameClaim))
	}
	values := texts(claims[p.settings.Claim])
	all := false // sites
	for _, rule := range p.settings.Roles {
		if !slices.Contains(values, rule.Value) {
			continue
		}
		one := p.person(name, rule)
		who.Roles, who.Sites = append(who.Roles, one.Roles...), append(who.Sites, one.Sites...)
		all = all || len(one.Sites) == 0
	}
	if all {
		who.Sites = nil
	}
	who.Name = name
	slices.Sort(who.Roles)
	who.Roles = slices.Compact(who.Roles)
	if len(who.Roles) == 0 {
		return who, message.Errorf("signon.no-role", message.String("name", name),
			message.String("claim", p.settings.Claim))
	}
	return who, who.Check()
}

func (p *Provider) person(name string, rule Rule) *people.Person {
	who := &people.Person{Name: name, Sites: rule.Sites}
	for _, r := range rule.Roles {
		who.Roles = append(who.Roles, people.Role(r))
	}
	return who
}

// texts returns the texts of a claim: one, or a list.
func texts(claim json.RawMessage) []string {
	var one string
	if json.Unmarshal(claim, &one) == nil && one != "" {
		return []string{one}
	}
	var all []string
	if json.Unmarshal(claim, &all) != nil {
		return nil
	}
	return all
}

// trust has the provider's certificate checked against the authority that the settings name.
func (p *Provider) trust() error {
	if p.settings.CAFile == "" {
		return nil
	}
	text, err := os.ReadFile(p.settings.CAFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return message.Errorf("signon.no-ca", message.String("file", p.settings.CAFile))
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	p.client.Transport = transport
	return nil
}
