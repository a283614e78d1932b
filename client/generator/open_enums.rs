//! Opens the lists of words of the generated types: a word that a newer server adds decodes as
//! `Unknown`, where the generator's own enums would refuse the whole answer.

use syn::{
    Arm, Attribute, Expr, Fields, ImplItem, Item, ItemEnum, ItemImpl, Path, Stmt, Token, Type,
    parse_quote, punctuated::Punctuated,
};

/// Opens each enum of `types` that is a list of words, and what tells and reads its words.
pub fn open_enums(file: &mut syn::File) -> Result<(), String> {
    let types = file.items.iter_mut().find_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content.as_mut(),
        _ => None,
    });
    let (_, types) = types.ok_or("the generated code has no module `types`")?;
    let mut opened = Vec::new();
    for item in types.iter_mut() {
        if let Item::Enum(list) = item
            && is_list_of_words(list)
        {
            open(list)?;
            opened.push(list.ident.clone());
        }
    }
    for name in opened {
        let of_it = types.iter_mut().filter_map(|item| match item {
            Item::Impl(it) if is_path(&it.self_ty, &name) => Some(it),
            _ => None,
        });
        let (mut told, mut read) = (false, false);
        for it in of_it {
            told |= tell_unknown(it)?;
            read |= read_unknown(it)?;
        }
        if !told || !read {
            return Err(format!("`{name}` has no `Display` or no `FromStr` to open"));
        }
    }
    Ok(())
}

/// Every variant stands for one word. A list that is open already has a variant with a field.
fn is_list_of_words(list: &ItemEnum) -> bool {
    let mut variants = list.variants.iter();
    variants.all(|variant| matches!(variant.fields, Fields::Unit))
}

fn open(list: &mut ItemEnum) -> Result<(), String> {
    let name = list.ident.to_string();
    let derives = list
        .attrs
        .iter_mut()
        .find(|attr| attr.path().is_ident("derive"));
    without_copy(derives.ok_or_else(|| format!("`{name}` derives nothing"))?)
        .map_err(|e| format!("`{name}`: {e}"))?;
    list.attrs.push(parse_quote!(#[non_exhaustive]));
    list.variants.push(parse_quote! {
        /// A word that this version of the client does not know.
        #[serde(untagged)]
        Unknown(::std::string::String)
    });
    Ok(())
}

/// A word that is kept as text cannot be `Copy`.
fn without_copy(derives: &mut Attribute) -> syn::Result<()> {
    let all = derives.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated)?;
    let kept = all.iter().filter(|path| !path.is_ident("Copy"));
    *derives = parse_quote!(#[derive(#(#kept),*)]);
    Ok(())
}

/// `Display` tells an unknown word as it came.
fn tell_unknown(it: &mut ItemImpl) -> Result<bool, String> {
    let Some(arms) = arms_of(it, "Display")? else {
        return Ok(false);
    };
    arms.push(parse_quote!(Self::Unknown(ref word) => f.write_str(word),));
    Ok(true)
}

/// `FromStr` keeps an unknown word, so that what is read can be sent again.
fn read_unknown(it: &mut ItemImpl) -> Result<bool, String> {
    let Some(arms) = arms_of(it, "FromStr")? else {
        return Ok(false);
    };
    match arms.last_mut() {
        Some(rest) if matches!(rest.pat, syn::Pat::Wild(_)) => {
            *rest = parse_quote!(word => Ok(Self::Unknown(word.to_owned())),);
        }
        _ => return Err("`FromStr` no longer ends with what it does not know".to_owned()),
    }
    Ok(true)
}

/// The arms of the one `match` of this trait's one function; none in the impl of another trait.
fn arms_of<'a>(it: &'a mut ItemImpl, of: &str) -> Result<Option<&'a mut Vec<Arm>>, String> {
    let the_trait = it
        .trait_
        .as_ref()
        .and_then(|(_, path, _)| path.segments.last());
    if the_trait.is_none_or(|last| last.ident != of) {
        return Ok(None);
    }
    let body = it.items.iter_mut().find_map(|item| match item {
        ImplItem::Fn(function) => function.block.stmts.last_mut(),
        _ => None,
    });
    match body {
        Some(Stmt::Expr(Expr::Match(the_match), None)) => Ok(Some(&mut the_match.arms)),
        _ => Err(format!(
            "`{of}` of a list of words is no longer one `match`"
        )),
    }
}

fn is_path(ty: &Type, name: &syn::Ident) -> bool {
    matches!(ty, Type::Path(it) if it.path.is_ident(name))
}
