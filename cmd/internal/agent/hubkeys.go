package agent

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"lanewarden/drivers/message"
	"lanewarden/edge/api/linefile"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub/carry"
	"lanewarden/sync/wire"
)

// HubKeysName is the file in the state directory that keeps the public keys of hubs, one in a line: those that a hub has
// said over the link. A receipt that was carried here must be signed by one of them.
const HubKeysName = "hub.keys"

// maxHubKeys bounds the file. A hub has one key; another comes when its directory was lost.
const maxHubKeys = 16

// hubKeys are the keys of the file. Its methods may be called from any goroutine.
type hubKeys struct {
	path string
	log  *slog.Logger
	mu   sync.Mutex
}

// all reads the keys. No file is no key.
func (k *hubKeys) all() ([]string, error) {
	text, err := os.ReadFile(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return strings.Fields(string(text)), err
}

// add keeps a key that the hub said. That it cannot be kept is logged: the hub says it again at the next connection.
func (k *hubKeys) add(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, err := note.NewVerifier(key)
	if err != nil || v.Name() != wire.HubKeyName {
		k.log.Warn("the hub says a key that is none", "key", key)
		return
	}
	known, err := k.all()
	if err == nil && slices.Contains(known, key) {
		return
	}
	if err == nil {
		known = append(known, key)
		known = known[max(0, len(known)-maxHubKeys):]
		err = linefile.Replace(k.path, []byte(strings.Join(known, "\n")+"\n"), 0o640)
	}
	if err != nil {
		k.log.Warn("the hub's key cannot be kept", "err", err)
	}
}

// receive marks in the journal what a receipt names. key "" means the keys of the file.
func (k *hubKeys) receive(j *journal.Journal, receipt, key string) error {
	known := []string{key}
	if key == "" {
		var err error
		if known, err = k.all(); err != nil {
			return err
		}
	}
	var verifiers []note.Verifier
	for _, text := range known {
		v, err := note.NewVerifier(text)
		if err != nil || v.Name() != wire.HubKeyName {
			return message.Errorf("carry.no-hub-key", message.Quoted("key", text))
		}
		verifiers = append(verifiers, v)
	}
	if len(verifiers) == 0 {
		return message.Errorf("carry.hub-unknown")
	}
	return carry.Receive(j, receipt, note.VerifierList(verifiers...))
}

func newHubKeys(stateDir string, log *slog.Logger) *hubKeys {
	return &hubKeys{path: filepath.Join(stateDir, HubKeysName), log: log}
}
