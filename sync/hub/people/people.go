// Package people is who may use the hub's pages: a file of persons with roles, sites and argon2id hashes of passwords, and
// what each role may. Persons whom another service knows (OIDC) get roles and sites from it. docs/access.md.
package people

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"lanewarden/drivers/message"
	"lanewarden/edge/api"
	"lanewarden/edge/api/linefile"
	"lanewarden/edge/api/passwords"
)

// Role is what a person is at the centre. A person may have several.
type Role string

// The roles.
const (
	Viewer     Role = "viewer"
	Officer    Role = "officer"
	Analyst    Role = "analyst"
	Expert     Role = "expert"
	Supervisor Role = "supervisor"
	ListIssuer Role = "list-issuer"
	Operator   Role = "operator"
	Admin      Role = "admin"
)

// looking is what every role may that sees vehicles.
var looking = []api.Scope{api.ScopeFleet, api.ScopeFeed, api.ScopeArtifacts}

// rights is the table of what roles may, as docs/access.md has it.
var rights = []struct {
	role   Role
	scopes []api.Scope
}{
	{Viewer, looking},
	{Officer, append(slices.Clone(looking), api.ScopeCases)},
	{Analyst, append(slices.Clone(looking), api.ScopeCases)},
	{Expert, append(slices.Clone(looking), api.ScopeCases)},
	{Supervisor, append(slices.Clone(looking), api.ScopeCases, api.ScopeLooks)},
	{ListIssuer, []api.Scope{api.ScopeFleet}},
	{Operator, []api.Scope{api.ScopeFleet, api.ScopeCommands}},
	{Admin, api.Scopes()},
}

// Roles returns all roles, in the order of the table.
func Roles() (all []Role) {
	for _, r := range rights {
		all = append(all, r.role)
	}
	return all
}

// Scopes returns what a role may; nothing for a role that there is not.
func (r Role) Scopes() []api.Scope {
	for _, row := range rights {
		if row.role == r {
			return row.scopes
		}
	}
	return nil
}

// Person may use the hub's pages.
type Person struct {
	Name  string
	Roles []Role
	Sites []string // that they see; none for all
	Hash  string   // of the password; "" for who does not sign in by one
}

// Allowed reports whether one of the person's roles may do it.
func (p *Person) Allowed(s api.Scope) bool {
	return slices.ContainsFunc(p.Roles, func(r Role) bool { return slices.Contains(r.Scopes(), s) })
}

// RoleNames returns the names of the roles with commas, as rows of the journal and pages have them.
func (p *Person) RoleNames() string {
	names := make([]string, len(p.Roles))
	for i, r := range p.Roles {
		names[i] = string(r)
	}
	return strings.Join(names, ",")
}

var (
	namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)
	sitePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
)

// Check returns what is wrong with a person; nil for nothing.
func (p *Person) Check() error {
	if !namePattern.MatchString(p.Name) {
		return message.Errorf("people.name", message.Quoted("name", p.Name))
	}
	if len(p.Roles) == 0 {
		return message.Errorf("people.no-role", message.String("name", p.Name), message.String("known", known()))
	}
	for _, r := range p.Roles {
		if r.Scopes() == nil {
			return message.Errorf("people.role", message.Quoted("role", string(r)), message.String("known", known()))
		}
	}
	for _, s := range p.Sites {
		if !sitePattern.MatchString(s) {
			return message.Errorf("people.site", message.Quoted("site", s))
		}
	}
	if p.Hash == "" {
		return nil
	}
	return passwords.CheckHash(p.Hash)
}

func known() string {
	p := Person{Roles: Roles()}
	return strings.ReplaceAll(p.RoleNames(), ",", ", ")
}

// allSites stands in the file for every site.
const allSites = "*"

// Parse reads lines NAME:ROLE,ROLE:SITE,SITE:HASH; a * in place of sites is every site. An error names the line.
func Parse(text []byte) ([]Person, error) {
	return linefile.Parse(text, parseLine, func(p Person) string { return p.Name })
}

func parseLine(line string) (p Person, err error) {
	parts := strings.SplitN(line, ":", 4)
	if len(parts) != 4 {
		return p, message.Errorf("people.line")
	}
	p.Name, p.Hash = parts[0], parts[3]
	for _, r := range words(parts[1]) {
		p.Roles = append(p.Roles, Role(r))
	}
	if parts[2] != allSites {
		if p.Sites = words(parts[2]); len(p.Sites) == 0 {
			return p, message.Errorf("people.line")
		}
	}
	return p, p.Check()
}

func words(list string) (out []string) {
	for w := range strings.SplitSeq(list, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// Read reads a file; one that is not there holds nobody.
func Read(path string) ([]Person, error) { return linefile.ReadList(path, Parse) }

// Write writes the file, whole or not at all.
func Write(path string, all []Person) error {
	var b bytes.Buffer
	b.WriteString("# Who may use the hub's pages, NAME:ROLES:SITES:HASH; lanehub account edits it\n")
	for _, p := range all {
		sites := strings.Join(p.Sites, ",")
		if sites == "" {
			sites = allSites
		}
		fmt.Fprintf(&b, "%s:%s:%s:%s\n", p.Name, p.RoleNames(), sites, p.Hash)
	}
	return linefile.Write(path, b.Bytes())
}

// Book is the file, read again when it changed. It may be used by many goroutines.
type Book struct {
	passwords *passwords.Checker

	mu   sync.Mutex
	file *linefile.Watched[[]Person]
}

// Open reads the file.
func Open(path string) (*Book, error) {
	checker, err := passwords.NewChecker()
	if err != nil {
		return nil, err
	}
	file, err := linefile.Open(path, Parse)
	return &Book{passwords: checker, file: file}, err
}

// Find returns a person of the file.
func (b *Book) Find(name string) (Person, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.file.Refresh() // those who were read last hold
	i := slices.IndexFunc(b.file.Value, func(p Person) bool { return p.Name == name })
	if i < 0 {
		return Person{}, false
	}
	return b.file.Value[i], true
}

// SignIn checks a password that comes from an address. The error is one of passwords.Checker.
func (b *Book) SignIn(name, password, address string, now time.Time) (Person, error) {
	p, _ := b.Find(name)
	if err := b.passwords.Check(name, p.Hash, password, address, now); err != nil {
		return Person{}, err
	}
	return p, nil
}
