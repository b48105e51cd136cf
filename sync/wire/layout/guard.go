package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"lanewarden/drivers/message"
)

// maxDepth and maxItems bound metadata as JSON: nesting, and names and values in all.
const (
	maxDepth = 16
	maxItems = 1 << 18
)

// words are the names to which TUF gives a meaning. A decoder takes "Threshold" for "threshold": another spelling is
// refused, so that everybody reads the same.
var words = []string{"_type", "consistent_snapshot", "delegations", "expires", "hashes", "keyid", "keyids", "keys", "keytype",
	"keyval", "length", "meta", "name", "path_hash_prefixes", "paths", "public", "role", "roles", "scheme", "sha256", "sig",
	"signatures", "signed", "spec_version", "succinct_roles", "targets", "terminating", "threshold", "version"}

// Guard refuses metadata that no centre of ours writes, before a parser of TUF sees it: more than MaxMetadata, twice
// the same name, thresholds below 1, more than MaxDelegations, delegations below delegations, roles and paths with
// other names than ours, and entries without content. role is the role whose metadata it is said to be.
func Guard(role string, data []byte) error {
	if len(data) > MaxMetadata {
		return message.Errorf("orders.too-large", message.String("file", role), message.Int("most", MaxMetadata))
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	items := 0
	err := guardValue(d, 0, &items)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("there is more behind the end")
		}
	}
	if err != nil {
		return message.Wrap(err, "orders.malformed", message.String("file", role))
	}
	return guardRoles(role, data)
}

// guardValue reads one value and everything in it.
func guardValue(d *json.Decoder, depth int, items *int) error {
	if *items++; depth > maxDepth || *items > maxItems {
		return errors.New("it is nested too deeply, or too long")
	}
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('{'):
		return guardObject(d, depth, items)
	case json.Delim('['):
		for d.More() {
			if err := guardValue(d, depth+1, items); err != nil {
				return err
			}
		}
		_, err = d.Token()
	}
	return err
}

// guardObject reads the rest of an object.
func guardObject(d *json.Decoder, depth int, items *int) error {
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		if seen[name] {
			return fmt.Errorf("%.100q is there twice", name)
		}
		seen[name] = true
		if lower := strings.ToLower(name); lower != name && slices.Contains(words, lower) {
			return fmt.Errorf("%.100q is spelled %q", name, lower)
		}
		if err := guardValue(d, depth+1, items); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// outline is what Guard looks at of metadata.
type outline struct {
	Signatures []struct {
		KeyID string `json:"keyid"`
	} `json:"signatures"`
	Signed struct {
		Type    string                      `json:"_type"`
		Version int64                       `json:"version"`
		Keys    map[string]*json.RawMessage `json:"keys"`
		Roles   map[string]*struct {
			Threshold int      `json:"threshold"`
			KeyIDs    []string `json:"keyids"`
		} `json:"roles"`
		Meta        map[string]*json.RawMessage `json:"meta"`
		Targets     map[string]*json.RawMessage `json:"targets"`
		Delegations *delegations                `json:"delegations"`
	} `json:"signed"`
}

type delegations struct {
	Keys  map[string]*json.RawMessage `json:"keys"`
	Roles []struct {
		Name      string   `json:"name"`
		Threshold int      `json:"threshold"`
		KeyIDs    []string `json:"keyids"`
		Paths     []string `json:"paths"`
		Prefixes  []string `json:"path_hash_prefixes"`
	} `json:"roles"`
	Succinct *json.RawMessage `json:"succinct_roles"`
}

// guardRoles looks at roles, thresholds, delegations and names.
func guardRoles(role string, data []byte) error {
	var o outline
	if err := json.Unmarshal(data, &o); err != nil {
		return message.Wrap(err, "orders.malformed", message.String("file", role))
	}
	kind := "targets"
	if role == "root" || role == "snapshot" || role == "timestamp" {
		kind = role
	}
	s := &o.Signed
	if s.Type != kind || s.Version < 1 || hasNull(s.Keys) || hasNull(s.Meta) || hasNull(s.Targets) {
		return message.Errorf("orders.not-ours", message.String("file", role))
	}
	if kind == "timestamp" && s.Meta["snapshot.json"] == nil || kind == "snapshot" && s.Meta["targets.json"] == nil {
		return message.Errorf("orders.not-ours", message.String("file", role))
	}
	for _, name := range []string{"root", "targets", "snapshot", "timestamp"} {
		if r := s.Roles[name]; kind == "root" && (r == nil || r.Threshold < 1 || r.Threshold > len(r.KeyIDs)) {
			return message.Errorf("orders.threshold", message.String("role", name))
		}
	}
	for target := range s.Targets {
		if err := CheckTarget(target); err != nil {
			return message.Wrap(err, "orders.malformed", message.String("file", role))
		}
	}
	return guardDelegations(role, s.Delegations)
}

func guardDelegations(role string, d *delegations) error {
	if d == nil {
		return nil
	}
	if role != "targets" || d.Succinct != nil || hasNull(d.Keys) {
		return message.Errorf("orders.deep", message.String("role", role))
	}
	if len(d.Roles) > MaxDelegations {
		return message.Errorf("orders.delegations", message.Int("n", len(d.Roles)), message.Int("most", MaxDelegations))
	}
	seen := map[string]bool{}
	for _, r := range d.Roles {
		if r.Threshold < 1 || r.Threshold > len(r.KeyIDs) {
			return message.Errorf("orders.threshold", message.String("role", r.Name))
		}
		if CheckRole(r.Name) != nil || seen[r.Name] || len(r.Prefixes) > 0 || !slices.Equal(r.Paths, Patterns(r.Name)) {
			return message.Errorf("orders.delegation", message.Quoted("role", r.Name))
		}
		seen[r.Name] = true
	}
	return nil
}

// hasNull reports whether an entry is there and has nothing in it.
func hasNull(m map[string]*json.RawMessage) bool {
	for _, v := range m {
		if v == nil {
			return true
		}
	}
	return false
}
