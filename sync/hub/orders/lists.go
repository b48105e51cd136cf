package orders

import (
	"fmt"
	"slices"
	"strings"

	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
	"lanewarden/sync/hub/orders/listbook"
	"lanewarden/sync/wire/layout"
)

// keptDeltas is how many versions back lanes come by files of changes; older ones take the whole list.
const keptDeltas = 30

// PublishList publishes the newest version of a list whole, and the changes of the versions before it, each to the next
// and to the newest. What is older is withdrawn. site "" is for all.
func (r *Repository) PublishList(book *listbook.Book, kind lists.Kind, site string, keys []Key) (
	number int64, done bool, err error) {
	all, err := book.Versions(kind)
	if err != nil {
		return 0, false, err
	}
	if len(all) == 0 {
		return 0, false, message.Errorf("orders.no-list", message.String("kind", string(kind)))
	}
	var numbers []int64
	for _, e := range all {
		numbers = append(numbers, e.Number)
	}
	slices.Sort(numbers)
	numbers = numbers[max(0, len(numbers)-keptDeltas-1):]
	newest := numbers[len(numbers)-1]
	full, err := book.Full(kind, newest)
	if err != nil {
		return 0, false, err
	}
	prefix := layout.ListsPrefix + string(kind) + "/"
	files := []File{{Path: fmt.Sprintf("%s%d.full", prefix, newest), Site: site, From: full}}
	for i, from := range numbers[:len(numbers)-1] {
		for _, to := range slices.Compact([]int64{numbers[i+1], newest}) {
			file, err := book.Delta(kind, from, to)
			if err != nil {
				if message.Of(err).Is("lists.delta-too-large") {
					continue // lanes take the whole list
				}
				return 0, false, err
			}
			files = append(files, File{Path: fmt.Sprintf("%s%d-%d.delta", prefix, from, to), Site: site, From: file})
		}
	}
	status, err := r.Status()
	if err != nil {
		return 0, false, err
	}
	var old []string
	for _, f := range status.Files {
		published := func(n File) bool { return n.Path == f.Path }
		if f.Site == site && strings.HasPrefix(f.Path, prefix) && !slices.ContainsFunc(files, published) {
			old = append(old, layout.Join(f.Path, site))
		}
	}
	done, err = r.Publish(files, old, keys)
	return newest, done, err
}
