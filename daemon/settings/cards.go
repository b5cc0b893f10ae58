package settings

import (
	"slices"
	"strconv"
	"strings"
)

// Values of the settings cards and foreign_processes.
const (
	cardsAuto = "auto"
	cardsOff  = "off"

	ForeignWait   = "wait"
	ForeignIgnore = "ignore"
)

// CardList is the setting cards: whether cards are handed out, and which; none
// are all that there are.
func (s *Settings) CardList() (list []int, managed bool) {
	if s.Cards == cardsOff {
		return nil, false
	}
	list, _ = cardList(s.Cards) // checked when it was read
	return list, true
}

// cardList reads logical ids such as 0,2,4-7.
func cardList(text string) (list []int, ok bool) {
	const most = 1024
	if text == cardsAuto || text == cardsOff {
		return nil, true
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.ParseUint(first, 10, 16)
		to, err2 := strconv.ParseUint(last, 10, 16)
		if err1 != nil || err2 != nil || from > to || to >= most {
			return nil, false
		}
		for id := from; id <= to; id++ {
			list = append(list, int(id))
		}
	}
	slices.Sort(list)
	return slices.Compact(list), true
}
