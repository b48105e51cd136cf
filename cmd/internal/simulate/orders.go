package simulate

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	publishing "lanewarden/sync/hub/orders"
	"lanewarden/sync/wire/command"
	"lanewarden/sync/wire/layout"
)

// giveOrders lets a site obey what is said in cases at the demonstration's hub: it makes a repository of orders, the
// hub's key for cases, and has the box trust both. It returns the lane file with the root of trust in it. The keys of
// those who publish lie beside the hub, unsealed: nobody else is there.
func (d *demo) giveOrders(s *site, text string) (string, error) {
	dir := filepath.Join(d.dir, "hub", publishing.Dir)
	r := publishing.At(dir)
	root := filepath.Join(dir, layout.Metadata("root", 1))
	if !r.Exists() {
		if err := d.publishCommander(r); err != nil {
			return "", err
		}
	}
	broker := "mqtt://" + s.broker() // in lane files in a line of its own, or in braces
	text = strings.Replace(text, fmt.Sprintf("{broker: %q}", broker),
		fmt.Sprintf("{broker: %q, orders: {root: %q}}", broker, root), 1)
	return strings.Replace(text, "  broker: "+broker+"\n",
		fmt.Sprintf("  broker: %s\n  orders: {root: %q}\n", broker, root), 1), nil
}

// publishCommander makes the repository, and publishes that the hub's key may tell what is said in cases.
func (d *demo) publishCommander(r *publishing.Repository) error {
	files, _, err := r.Init(filepath.Join(d.dir, "hub", "publishers"), "")
	if err != nil {
		return err
	}
	var signing []publishing.Key
	for _, file := range files {
		if !strings.HasPrefix(filepath.Base(file), "targets-") {
			continue
		}
		k, err := publishing.ReadKey(file, nil)
		if err != nil {
			return err
		}
		signing = append(signing, k)
	}
	key, err := r.NewCaseKey()
	if err != nil {
		return err
	}
	text, err := json.Marshal(map[string]any{"commanders": command.Commanders{{
		Name: key.Name, Key: key.Private.Public().(ed25519.PublicKey), Kinds: []string{command.Case},
		NotAfter: time.Now().AddDate(1, 0, 0).UTC().Truncate(time.Second),
	}}})
	if err != nil {
		return err
	}
	from := filepath.Join(d.dir, "hub", layout.Commanders)
	if err := os.WriteFile(from, text, 0o600); err != nil {
		return err
	}
	_, err = r.Publish([]publishing.File{{Path: layout.Commanders, From: from}}, nil, signing)
	return err
}
