// Package layout is what centre and lanes agree on about the repository of orders, beside The Update Framework's own
// rules (theupdateframework.io, specification 1.0): names of files, roles and what each may sign. docs/orders.md.
package layout

import (
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// The roles that are not TUF's own, which targets delegates to.
const (
	Lists = "lists"  // lists for all sites
	sites = "site-"  // site-SITE: lists and secrets of one site
	dir   = "sites/" // targets below sites/SITE/ are for one site
)

// Files of the repository, below its folder.
const (
	TargetsDir = "targets" // target files, each named by its SHA-256
	Timestamp  = "timestamp.json"
)

// What targets are, by the first level of their paths.
const (
	ListsPrefix    = "lists/"
	BundlesPrefix  = "bundles/"
	FirmwarePrefix = "firmware/"
	SecretsPrefix  = "secrets/"
)

// Commanders is the target that says who may give commands.
const Commanders = "commanders.json"

// Limits of what a lane accepts.
const (
	MaxMetadata    = 1 << 20 // bytes of one file of metadata
	MaxDelegations = 64
	MaxTarget      = 4 << 30 // bytes
	MaxRotations   = 256     // versions of root that one look goes through
)

// IssuedField is the field of timestamp.json, beside TUF's own, that says when the centre signed it (RFC 3339, UTC).
// It is under the signature, so that a lane whose clock is lost learns that it is at least so late.
const IssuedField = "x-lanewarden-issued"

// SiteRole returns the role that signs for a site.
func SiteRole(site string) string { return sites + site }

// SiteOf returns the site that a role signs for.
func SiteOf(role string) (site string, ok bool) { return strings.CutPrefix(role, sites) }

// Role returns the role that signs a target: targets itself, two of whose keys are needed, or one that it delegates
// to.
func Role(target string) string {
	local, site := Split(target)
	switch {
	case site != "" && (strings.HasPrefix(local, ListsPrefix) || strings.HasPrefix(local, SecretsPrefix)):
		return SiteRole(site)
	case site == "" && strings.HasPrefix(local, ListsPrefix):
		return Lists
	}
	return "targets"
}

// Patterns returns the paths that a role may name, as TUF's delegations have them: * stands for one level.
func Patterns(role string) []string {
	if site, ok := SiteOf(role); ok {
		return []string{dir + site + "/lists/*/*", dir + site + "/secrets/*/*"}
	}
	return []string{"lists/*/*"}
}

// Split splits a target's path into that of the thing, and the site that it is for; "" for all.
func Split(target string) (local, site string) {
	rest, ok := strings.CutPrefix(target, dir)
	if !ok {
		return target, ""
	}
	site, local, _ = strings.Cut(rest, "/")
	return local, site
}

// Join returns a target's path from that of the thing and the site that it is for; "" for all.
func Join(local, site string) string {
	if site == "" {
		return local
	}
	return dir + site + "/" + local
}

// bundleName ends the path of a bundle: lane-7.
var bundleName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*-([1-9][0-9]{0,17})$`)

// Bundle is what the path of a bundle says: bundles/SITE/AGENT/NAME-VERSION, or bundles/SITE/NAME-VERSION.
type Bundle struct {
	Site, Agent string // Agent is "" for a bundle of all agents of the site
	Name        string // "lane-7", with the version
	Version     int64
}

// ParseBundle reads the path of a bundle; ok is false for what is none.
func ParseBundle(target string) (b Bundle, ok bool) {
	rest, ok := strings.CutPrefix(target, BundlesPrefix)
	parts := strings.Split(rest, "/")
	if !ok || CheckTarget(target) != nil || len(parts) < 2 || len(parts) > 3 {
		return Bundle{}, false
	}
	b = Bundle{Site: parts[0], Name: parts[len(parts)-1]}
	if len(parts) == 3 {
		b.Agent = parts[1]
	}
	m := bundleName.FindStringSubmatch(b.Name)
	if m == nil {
		return Bundle{}, false
	}
	b.Version, _ = strconv.ParseInt(m[1], 10, 64) // 18 digits fit
	return b, true
}

// For reports whether a bundle is for an agent.
func (b Bundle) For(site, agent string) bool {
	return b.Site == site && (b.Agent == "" || b.Agent == agent)
}

// Metadata returns the name of a file of metadata. All but the timestamp have their version in it.
func Metadata(role string, version int64) string {
	if role == "timestamp" {
		return Timestamp
	}
	return strconv.FormatInt(version, 10) + "." + role + ".json"
}

// File returns the name of a target's file.
func File(target string, sha256 []byte) string {
	return path.Join(TargetsDir, path.Dir(target), hex.EncodeToString(sha256)+"."+path.Base(target))
}

var (
	targetPath   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*(/[A-Za-z0-9][A-Za-z0-9._+-]*){0,7}$`)
	roleName     = regexp.MustCompile(`^(lists|site-[A-Za-z0-9_-]{1,64})$`)
	metadataName = regexp.MustCompile(`^(timestamp|[1-9][0-9]{0,9}\.(root|snapshot|targets|lists|site-[A-Za-z0-9_-]{1,64}))\.json$`)
)

// CheckTarget returns what is wrong with a target's path; nil for nothing.
func CheckTarget(target string) error {
	if len(target) > 255 || !targetPath.MatchString(target) {
		return fmt.Errorf("%.100q is not the path of a target: letters, digits and . _ + -, up to eight levels", target)
	}
	if local, site := Split(target); strings.HasPrefix(target, dir) && (site == "" || local == "" || SiteRole(site) == "") {
		return fmt.Errorf("%q names no target of a site", target)
	}
	return nil
}

// CheckRole returns what is wrong with the name of a role that targets delegates to; nil for nothing.
func CheckRole(role string) error {
	if !roleName.MatchString(role) {
		return fmt.Errorf("%.100q is no role: there are %s and %sSITE", role, Lists, sites)
	}
	return nil
}

// Serves reports whether a file of the repository may be handed to the agents of a site: all but what is for another
// one. It is false for whatever is no file of the repository.
func Serves(name, site string) bool {
	if metadataName.MatchString(name) {
		role := strings.TrimSuffix(name[strings.IndexByte(name, '.')+1:], ".json")
		of, ok := SiteOf(role)
		return !ok || of == site
	}
	target, ok := strings.CutPrefix(name, TargetsDir+"/")
	if !ok || CheckTarget(target) != nil {
		return false
	}
	_, of := Split(target)
	return of == "" || of == site
}
