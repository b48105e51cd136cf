package orders

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"lanewarden/drivers/message"
	"lanewarden/edge/api/linefile"
	"lanewarden/sync/wire"
	"lanewarden/sync/wire/command"
)

// Outbox keeps commands until their agent has them or their time is over: one file each in the repository's folder.
type Outbox struct{ dir string }

// Bounds of the outbox.
const (
	maxOutstanding = 1000
	maxCommand     = 64 << 10 // bytes
	outboxDir      = "commands"
	commandEnd     = ".command"
)

// Outbox returns the repository's outbox.
func (r *Repository) Outbox() *Outbox { return &Outbox{filepath.Join(r.dir, outboxDir)} }

// Outstanding is a command that its agent has not said to have.
type Outstanding struct {
	ID      string // hex
	Order   *wire.Order
	Command *wire.Command
}

// SiteOf returns the site of the agent that a command is for. An error is why Add would refuse it.
func SiteOf(c *wire.Command) (string, error) {
	one, err := outstanding(c)
	if err != nil {
		return "", err
	}
	return one.Order.Site, nil
}

// Add keeps a command. Whether the agent accepts it is the agent's to say.
func (o *Outbox) Add(c *wire.Command) (Outstanding, error) {
	one, err := outstanding(c)
	if err != nil {
		return one, err
	}
	all, err := o.All(time.Now())
	if err != nil {
		return one, err
	}
	text, err := proto.Marshal(c)
	if err != nil {
		return one, err
	}
	if len(all) >= maxOutstanding || len(text) > maxCommand {
		return one, message.Errorf("order.busy")
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return one, err
	}
	return one, linefile.Replace(filepath.Join(o.dir, one.ID+commandEnd), text, 0o600)
}

func outstanding(c *wire.Command) (Outstanding, error) {
	order := &wire.Order{}
	if proto.Unmarshal(c.Order, order) != nil || order.Site == "" || order.Agent == "" {
		return Outstanding{}, message.Errorf("order.altered")
	}
	return Outstanding{ID: hex.EncodeToString(command.ID(c)), Order: order, Command: c}, nil
}

// All returns what is outstanding at a time, and forgets what has expired.
func (o *Outbox) All(now time.Time) (all []Outstanding, err error) {
	entries, err := os.ReadDir(o.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || !strings.HasSuffix(e.Name(), commandEnd) {
			continue
		}
		file := filepath.Join(o.dir, e.Name())
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // its agent has it
		}
		c := &wire.Command{}
		if err != nil || proto.Unmarshal(text, c) != nil {
			return nil, message.Errorf("orders.lost", message.String("file", file))
		}
		one, err := outstanding(c)
		if err != nil {
			return nil, err
		}
		if time.Unix(0, one.Order.NotAfterNs).Before(now) {
			if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			continue
		}
		all = append(all, one)
	}
	return all, nil
}

// Received forgets a command that its agent says to have. Another agent's word counts for nothing.
func (o *Outbox) Received(site, agent, id string) error {
	if sum, err := hex.DecodeString(id); err != nil || len(sum) != 32 {
		return message.Errorf("order.altered")
	}
	file := filepath.Join(o.dir, id+commandEnd)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	c := &wire.Command{}
	if err != nil || proto.Unmarshal(text, c) != nil {
		return message.Errorf("orders.lost", message.String("file", file))
	}
	if one, err := outstanding(c); err != nil || one.Order.Site != site || one.Order.Agent != agent {
		return err
	}
	return os.Remove(file)
}
