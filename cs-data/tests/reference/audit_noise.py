"""Leave-one-out naive Bayes margins by scikit-learn, for tests/it/audit/label_noise.rs.

Run: python audit_noise.py > audit_noise.json (scikit-learn 1.x). The rows are made here, with every
seventh label moved on by one. The model is fitted anew without each row.
"""
import json

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB

TOPICS = {
    "refund": ["退款", "money back"],
    "shipping": ["快递单", "parcel"],
    "invoice": ["发票", "bill"],
    "account": ["密码", "password"],
}
ZH = ["我想问{}的事", "{}怎么弄", "帮我处理{}", "{}好慢啊", "为什么没有{}", "{}在哪里看"]
EN = ["a question about my {}", "how does the {} work", "please check my {}", "where is my {}"]

rows = []
for intent, (zh, en) in TOPICS.items():
    rows += [(frame.format(zh), intent) for frame in ZH] + [(frame.format(en), intent) for frame in EN]
names = sorted(TOPICS)
labels = np.array([names.index(intent) for _, intent in rows])
labels[3::7] = (labels[3::7] + 1) % len(names)

# One space at each end; the texts are normal forms already.
vectors = CountVectorizer(analyzer="char", ngram_range=(2, 4), binary=True, lowercase=False)
x = vectors.fit_transform([f" {text} " for text, _ in rows])
margins, best = np.zeros(len(rows)), np.zeros(len(rows), int)
for row in range(len(rows)):
    rest = np.arange(len(rows)) != row
    model = MultinomialNB(alpha=0.1, fit_prior=False).fit(x[rest], labels[rest])
    # Mean log-likelihood of the row's n-grams, each class.
    scores = model.feature_log_prob_ @ x[row].toarray()[0] / x[row].sum()
    own = scores[labels[row]]
    scores[labels[row]] = -np.inf
    best[row], margins[row] = scores.argmax(), scores.max() - own
sure = [-margins[(labels == k) & (margins <= 0)].mean() for k in range(len(names))]
suspects = [r for r in range(len(rows)) if margins[r] > 0 and margins[r] >= sure[best[r]]]
suspects.sort(key=lambda row: -margins[row])
print(json.dumps({
    "rows": [{"text": text, "intent": names[k]} for (text, _), k in zip(rows, labels)],
    "suspects": [{"row": r, "suggested": names[best[r]], "margin": margins[r]} for r in suspects],
}, ensure_ascii=False, indent=0))
