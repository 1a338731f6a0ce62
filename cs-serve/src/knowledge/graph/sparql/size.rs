//! How much work a query is before its first fact is looked at.

use spargebra::algebra::{
    AggregateExpression, Expression, Function, GraphPattern, OrderExpression,
    PropertyPathExpression as Path,
};

/// The number of parts of a query, which are put in order and evaluated while no clock is looked at.
#[derive(Debug, Default)]
pub(super) struct Size {
    /// Triples, steps of paths, and operators between patterns.
    pub(super) patterns: usize,
    /// Operands and operators of expressions.
    pub(super) expressions: usize,
    /// Calls that make texts longer.
    pub(super) concatenations: usize,
}

impl Size {
    pub(super) fn of(pattern: &GraphPattern) -> Self {
        let mut size = Self::default();
        size.pattern(pattern);
        size
    }

    fn pattern(&mut self, pattern: &GraphPattern) {
        self.patterns += 1;
        match pattern {
            GraphPattern::Bgp { patterns } => self.patterns += patterns.len(),
            GraphPattern::Path { path, .. } => self.patterns += steps(path),
            GraphPattern::Values { .. } => {}
            GraphPattern::Join { left, right }
            | GraphPattern::Lateral { left, right }
            | GraphPattern::Union { left, right }
            | GraphPattern::Minus { left, right } => {
                self.pattern(left);
                self.pattern(right);
            }
            GraphPattern::LeftJoin {
                left,
                right,
                expression,
            } => {
                self.pattern(left);
                self.pattern(right);
                self.each(expression);
            }
            GraphPattern::Filter { expr, inner } => {
                self.expression(expr);
                self.pattern(inner);
            }
            GraphPattern::Extend {
                inner, expression, ..
            } => {
                self.expression(expression);
                self.pattern(inner);
            }
            GraphPattern::OrderBy { inner, expression } => {
                for OrderExpression::Asc(by) | OrderExpression::Desc(by) in expression {
                    self.expression(by);
                }
                self.pattern(inner);
            }
            GraphPattern::Group {
                inner, aggregates, ..
            } => {
                aggregates.iter().for_each(|(_, it)| self.aggregate(it));
                self.pattern(inner);
            }
            GraphPattern::Graph { inner, .. }
            | GraphPattern::Service { inner, .. }
            | GraphPattern::Project { inner, .. }
            | GraphPattern::Distinct { inner }
            | GraphPattern::Reduced { inner }
            | GraphPattern::Slice { inner, .. } => self.pattern(inner),
        }
    }

    fn aggregate(&mut self, aggregate: &AggregateExpression) {
        self.expressions += 1;
        if let AggregateExpression::FunctionCall { expr, .. } = aggregate {
            self.expression(expr);
        }
    }

    fn each<'a>(&mut self, expressions: impl IntoIterator<Item = &'a Expression>) {
        expressions.into_iter().for_each(|it| self.expression(it));
    }

    fn expression(&mut self, expression: &Expression) {
        use Expression as E;
        self.expressions += 1;
        match expression {
            E::NamedNode(_) | E::Literal(_) | E::Variable(_) | E::Bound(_) => {}
            E::Or(left, right)
            | E::And(left, right)
            | E::Equal(left, right)
            | E::SameTerm(left, right)
            | E::Greater(left, right)
            | E::GreaterOrEqual(left, right)
            | E::Less(left, right)
            | E::LessOrEqual(left, right)
            | E::Add(left, right)
            | E::Subtract(left, right)
            | E::Multiply(left, right)
            | E::Divide(left, right) => self.each([&**left, &**right]),
            E::UnaryPlus(inner) | E::UnaryMinus(inner) | E::Not(inner) => self.expression(inner),
            E::In(item, list) => self.each(std::iter::once(&**item).chain(list)),
            E::If(condition, yes, no) => self.each([&**condition, &**yes, &**no]),
            E::Coalesce(list) => self.each(list),
            E::FunctionCall(function, arguments) => {
                let longer = matches!(function, Function::Concat | Function::Replace);
                self.concatenations += usize::from(longer);
                self.each(arguments);
            }
            E::Exists(pattern) => self.pattern(pattern),
        }
    }
}

/// The steps of a path; those that are repeated count double, as each end begins anew.
fn steps(path: &Path) -> usize {
    match path {
        Path::NamedNode(_) | Path::NegatedPropertySet(_) => 1,
        Path::Reverse(inner) | Path::ZeroOrOne(inner) => 1 + steps(inner),
        Path::ZeroOrMore(inner) | Path::OneOrMore(inner) => 1 + 2 * steps(inner),
        Path::Sequence(left, right) | Path::Alternative(left, right) => steps(left) + steps(right),
    }
}
