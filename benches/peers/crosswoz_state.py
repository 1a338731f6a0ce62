"""Joint goal accuracy on CrossWOZ (https://github.com/thu-coai/CrossWOZ, Apache-2.0).

    crosswoz_state.py rows  --data DIR --out rows.jsonl       labelled customers' turns, to train on
    crosswoz_state.py score --data DIR --answers answers.jsonl

`rows` labels what a customer says: values as entities, named by domain and slot, and as the intent what is wanted of
which domain: `find` a thing by its properties, `near` one of another domain, `ask` about one, or `other`. `score` takes what
`predict --json` answers to these rows, in their order, each by a model that has not seen its dialogue, and makes of
each turn's intent and entities the state after it. That is compared with `sys_state_init`, what the person who played the system
searched for then, all slots of all domains at once. Without `--answers` the labels are scored: what is lost in them.
"""

import argparse
import json
import re
import zipfile
from collections import Counter
from pathlib import Path

DOMAINS = ["景点", "餐馆", "酒店", "地铁", "出租"]
FACILITY, DISHES = "酒店设施", "推荐菜"
SEVERAL = (FACILITY, DISHES)


def dialogues(folder):
    data = zipfile.ZipFile(Path(folder) / "val.json.zip").read("val.json")
    return sorted(json.loads(data).items(), key=lambda it: int(it[0]))


def turns(dialogue):
    """Each customer's turn, with the system's turn before it and the one after it."""
    messages = dialogue["messages"]
    for at, message in enumerate(messages):
        if message["role"] == "usr" and at + 1 < len(messages):
            yield (messages[at - 1] if at else None), message, messages[at + 1]


def intent(acts):
    """What is wanted, of the domain that something is asked of, else of the one that something is said of."""
    acts = [it for it in acts if it[0] in ("Inform", "Request", "Select") and it[1] in DOMAINS]
    for act, domain, _, value in acts:
        if act == "Select":
            return f"near:{domain}:{value}"
    asked = [domain for act, domain, slot, _ in acts if act == "Request" and slot == "名称"]
    told = [domain for act, domain, slot, _ in acts if act == "Inform" and slot != "名称"]
    for domain in asked + told:
        return f"find:{domain}"
    return f"ask:{acts[0][1]}" if acts else "other"


def loose(value):
    """A pattern of a value with or without spaces."""
    return r"\s*".join(map(re.escape, value.replace(" ", "")))


def spans(text, acts):
    """Where the values stand, the longest first, none twice."""
    wanted = []
    for act, domain, slot, value in acts:
        if act == "Inform" and domain in DOMAINS:
            if slot.startswith(FACILITY + "-"):
                wanted.append((slot.split("-", 1)[1], f"{domain}-{FACILITY}"))
            else:
                wanted.append((value, f"{domain}-{slot}"))
    found = []
    for value, label in sorted(set(wanted), key=lambda it: -len(it[0])):
        for match in re.finditer(loose(value), text) if value else ():
            if all(match.end() <= it["start"] or it["end"] <= match.start() for it in found):
                found.append({"start": match.start(), "end": match.end(), "label": label})
                break
    return sorted(found, key=lambda it: it["start"])


def rows(folder):
    for number, dialogue in dialogues(folder):
        for at, (_, said, _) in enumerate(turns(dialogue)):
            text, acts = said["content"], said["dialog_act"]
            yield {"id": f"{number}-{at}", "text": text, "intent": intent(acts), "spans": spans(text, acts), "dialogue_id": number, "turn": at}


class State:
    """What was searched for last, by domain, and which thing of it is spoken of."""

    def __init__(self):
        self.slots = {}
        self.shown = {domain: set() for domain in DOMAINS}  # names that the system has told in answer to a search
        self.thing = {}  # the last name of each domain
        self.chosen = set()  # domains of which a thing has been chosen since the last search

    def system(self, names):
        for domain, name in names:
            self.shown[domain].add(name)
            self.thing[domain] = name

    def turn(self, intent, entities):
        kind, *domains = intent.split(":")
        by = {}
        for label, value in entities:
            domain, _, slot = label.partition("-")
            by.setdefault(domain, []).append((slot, value))
        target = domains[0] if domains else None
        for domain, values in by.items():
            names = [value for slot, value in values if slot == "名称"]
            properties = [(slot, value) for slot, value in values if slot != "名称"]
            if names:
                self.thing[domain] = names[-1]
                if names[-1] in self.shown[domain]:
                    self.chosen.add(domain)
                elif not (kind == "near" and domain != target):
                    self.slots[domain] = {"名称": names[-1]}
            if properties and domain in ("出租", "地铁"):
                self.slots[domain] = dict(properties)
            elif properties and not names:
                if domain in self.chosen or (kind == "near" and domain == target) or "名称" in self.slots.get(domain, {}):
                    self.slots[domain] = {}
                    self.chosen.discard(domain)
                state = self.slots.setdefault(domain, {})
                for slot, value in properties:
                    several = [it for of, it in properties if of == slot]
                    state[slot] = " ".join(several) if slot in SEVERAL else value
        if kind == "near" and len(domains) == 2 and domains[1] in self.thing:
            if target not in by:
                self.slots[target] = {}
            self.slots.setdefault(target, {})[f"周边{domains[1]}"] = self.thing[domains[1]]

    def flat(self):
        return {(domain, slot): value for domain, slots in self.slots.items() for slot, value in slots.items()}


def gold(message):
    slots = {(d, s): v for d, it in message["sys_state_init"].items() for s, v in it.items()}
    return {key: value for key, value in slots.items() if key[1] != "selectedResults" and value}


def plain(slot, value):
    """What is several has no order, and what is one no spaces."""
    return sorted(value.split()) if slot in SEVERAL else value.replace(" ", "")


def same(found, wanted):
    def plainly(slots):
        return {key: plain(key[1], value) for key, value in slots.items()}

    return plainly(found) == plainly(wanted)


def system_names(message):
    acts = message["dialog_act"] if message else []
    return [(it[1], it[3]) for it in acts if it[0] in ("Inform", "Recommend") and it[2] == "名称" and it[1] in DOMAINS]


def score(folder, answers):
    right = count = slots_right = slots_all = 0
    wrong = Counter()
    answers = iter(answers)
    for _, dialogue in dialogues(folder):
        state = State()
        for before, said, after in turns(dialogue):
            state.system(system_names(before))
            answer = next(answers)
            state.turn(answer["intent"], answer["entities"])
            wanted, found = gold(after), state.flat()
            count += 1
            right += same(found, wanted)
            for key in set(found) | set(wanted):
                slots_all += 1
                ok = same({key: found.get(key, "")}, {key: wanted.get(key, "")})
                slots_right += ok
                wrong[key, key in wanted, key in found] += not ok
    names = ("domain", "slot", "is_wanted", "is_found", "turns")
    most = [dict(zip(names, (*key, is_wanted, is_found, n))) for (key, is_wanted, is_found), n in wrong.most_common(15)]
    return {"turns": count, "joint_goal_accuracy": right / count, "slots_right": slots_right / slots_all, "wrong": most}


def answered(line):
    """What `predict` says of a row."""
    first = next(iter(line["intents"]), {"label": "other"})
    return {"intent": first["label"], "entities": [(it["label"], it["text"]) for it in line["entities"]]}


def labelled(row):
    text = row["text"]
    return {"intent": row["intent"], "entities": [(it["label"], text[it["start"] : it["end"]]) for it in row["spans"]]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["rows", "score"])
    parser.add_argument("--data", required=True)
    parser.add_argument("--out")
    parser.add_argument("--answers")
    given = parser.parse_args()
    if given.what == "rows":
        with open(given.out, "w", encoding="utf-8") as out:
            for row in rows(given.data):
                print(json.dumps(row, ensure_ascii=False), file=out)
        return
    if given.answers:
        lines = [json.loads(line) for line in open(given.answers, encoding="utf-8")]
        answers = [answered(it) for it in lines]
    else:
        answers = [labelled(it) for it in rows(given.data)]
    print(json.dumps(score(given.data, answers), ensure_ascii=False, indent=1))


main()
